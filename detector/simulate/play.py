"""What every scenario is played with: a victim, a thief's place and tools, and what he does, by stealth and style.

How much he does and for how long is drawn once: log-normal around twelve uses, within half a minute to three days.
Style is crossed with every scenario: *mimic* does only what the victim does, *noisy* only what strangers do first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from detector.simulate.call import Action, Caller, Context
from detector.simulate.catalogue import AWS_ENUMERATION, AWS_SECRETS
from detector.simulate.clients import TOOLS, Sdk
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.sites import Sites
from detector.simulate.truth import Stealth, Style, Theft
from detector.simulate.world import DAY, HOUR, MINUTE

Place = Literal["hosting", "cloud", "residential", "runner", "other-cloud", "endpoint", "neighbour", "own"]
SPANS = (30, 5 * MINUTE, HOUR, 6 * HOUR, 3 * DAY)
STYLES: tuple[Style, ...] = ("mimic", "mixed", "noisy")
_STYLE_SHARES = (0.3, 0.4, 0.3)
_IN_PROFILE = {"S0": 0.0, "S1": 0.25, "S2": 0.5, "S3": 1.0, "S4": 1.0}
_DENIED = 0.35  # of a stranger's operations, which the credential's policy does not allow


@dataclass(slots=True)
class Play:
    """One theft while it is played. `begin` is when the thief starts, `count` and `span` how much and how long."""

    fleet: Fleet
    sites: Sites
    victim: Holding
    stealth: Stealth
    style: Style
    begin: int
    count: int
    span: int
    index: int
    event_ids: list[str] = field(default_factory=list)
    seconds: list[int] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)  # in order of first malicious use
    goes_on: bool = True

    @classmethod
    def draw(cls, fleet: Fleet, sites: Sites, victim: Holding, stealth: Stealth, begin: int) -> Play:
        """A theft with drawn style, length and size."""
        rng = fleet.rng
        style = STYLES[int(rng.choice(3, p=_STYLE_SHARES))]
        count = int(min(500, max(1, 12 * rng.lognormal(0.0, 1.0))))
        span = SPANS[int(rng.integers(len(SPANS)))]
        goes_on = bool(rng.random() < 0.6)
        return cls(fleet, sites, victim, stealth, style, begin, count, span, len(fleet.thefts), goes_on=goes_on)

    # --- where from and with what ------------------------------------------------------------------------------------

    def context(self, place: Place | None = None, *, client: str = "") -> Context:
        """The thief's context; `place` and `client` default to what his stealth does."""
        place = place or self._place()
        address, endpoint = self._address(place)
        region = self.victim.habitat.egress.region
        return Context(address, client or self.client(), region, endpoint)

    def client(self) -> str:
        """A tool of his own (S0), an SDK (S1), or what the victim runs."""
        rng = self.fleet.rng
        if self.stealth == "S0":
            return TOOLS[int(rng.integers(len(TOOLS)))]
        if self.stealth == "S1":
            return Sdk.first(str(rng.choice(("boto3", "go", "js")))).agent()
        return self.victims_client()

    def victims_client(self) -> str:
        """What the victim's workload sends at the time of the theft."""
        habitat = self.victim.habitat
        return habitat.releases.at(habitat.release or self.begin)[0] + habitat.marker

    def _place(self) -> Place:
        if self.stealth == "S0":
            return "hosting" if self.fleet.rng.random() < 0.7 else "residential"
        return {"S1": "cloud", "S2": "cloud", "S3": "neighbour", "S4": "own"}[self.stealth]  # type: ignore[return-value]

    def _address(self, place: Place) -> tuple[str, str]:
        plan, egress = self.fleet.plan, self.victim.habitat.egress
        if place == "own":
            return self._of(egress.at(self.begin).addresses), egress.endpoint
        if place == "neighbour":
            return self._neighbour()
        if place == "endpoint":
            return plan.private(self.fleet.between(40, 60)), f"vpce-{self.fleet.hex(17)}"
        if place == "cloud":
            return plan.instance(egress.region), ""
        drawn: dict[Place, Callable[[], str]] = {
            "hosting": plan.hosting,
            "residential": plan.residential,
            "runner": plan.runner,
            "other-cloud": plan.other_cloud,
        }
        return drawn[place](), ""

    def _neighbour(self) -> tuple[str, str]:
        """The way out of another workload of the same realm, else of the tenant."""
        mine = self.victim.habitat.egress
        near = [
            one
            for one in self.fleet.holdings
            if one.habitat.egress is not mine and one.principal.realm == self.victim.principal.realm
        ]
        one = (near or self.fleet.holdings)[self.fleet.between(0, len(near or self.fleet.holdings))]
        return self._of(one.habitat.egress.at(self.begin).addresses), one.habitat.egress.endpoint

    def _of(self, addresses: Sequence[str]) -> str:
        return addresses[self.fleet.between(0, len(addresses))]

    # --- what and when -----------------------------------------------------------------------------------------------

    def times(self, count: int | None = None, *, begin: int | None = None, span: int | None = None) -> list[int]:
        """Seconds of `count` uses: the first at the beginning, the others at random within the span."""
        count, begin, span = count or self.count, begin or self.begin, span or self.span
        span = max(1, min(span, self.fleet.end - begin - 1))
        rest = sorted(self.fleet.rng.integers(0, span, count - 1).tolist())
        return [begin, *(begin + second for second in rest)]

    def actions(self, count: int, *, strange: Sequence[Action] | None = None) -> list[tuple[Action, str]]:
        """What is done, and its error: the victim's own operations, or `strange` ones, by stealth and style.

        `strange` defaults to what the victim's log has for looking around and for reading secrets.
        """
        rng, repertoire = self.fleet.rng, self.victim.principal.group.repertoire
        pool = tuple(strange) if strange is not None else self.unusual()
        own = max(_IN_PROFILE[self.stealth], {"mimic": 1.0, "mixed": 0.5, "noisy": 0.0}[self.style])
        if self.stealth == "S0" and self.style == "mimic":
            own = 0.5  # who does not hide looks around first
        found = []
        for _ in range(count):
            if rng.random() < own or not pool:
                chosen = int(rng.choice(len(repertoire.actions), p=repertoire.weights))
                found.append((repertoire.actions[chosen], ""))
            else:
                denied = repertoire.denied_error if rng.random() < _DENIED else ""
                found.append((pool[int(rng.integers(len(pool)))], denied))
        return found

    def unusual(self) -> tuple[Action, ...]:
        """Operations that strangers try, in the words of the victim's log."""
        return self.victim.principal.group.unusual or (*AWS_ENUMERATION, *AWS_SECRETS)

    # --- doing it ----------------------------------------------------------------------------------------------------

    def use(
        self, second: int, context: Context, action: Action, error: str = "", *, holding: Holding | None = None,
        caller: Caller | None = None,
    ) -> None:  # fmt: skip
        """One malicious use of the victim's (or another) credential; nothing outside the simulated time."""
        holding = holding or self.victim
        if not self.fleet.start <= second < self.fleet.end:
            return
        event_id = self.fleet.call(second, caller or holding.caller, action, context, error=error, theft=self.index)
        self.event_ids.append(event_id)
        self.seconds.append(second)
        if holding not in self.holdings:
            self.holdings.append(holding)

    def uses(self, seconds: Sequence[int], context: Context, *, strange: Sequence[Action] | None = None) -> None:
        """Malicious uses of the victim's credential at `seconds` from one context."""
        for second, (action, error) in zip(seconds, self.actions(len(seconds), strange=strange), strict=True):
            self.use(second, context, action, error)

    def end(self, scenario: str, family: Literal["replay", "scope"], techniques: tuple[str, ...]) -> None:
        """Write down what was done. A victim that does not go on is silent from the first malicious use."""
        if not self.event_ids:
            return
        victim = self.victim.principal
        if not self.goes_on:
            self.fleet.silence(victim, min(self.seconds), max(self.seconds) + HOUR)
        order = sorted(range(len(self.seconds)), key=lambda at: (self.seconds[at], self.event_ids[at]))
        self.fleet.thefts.append(
            Theft(
                index=self.index,
                scenario=scenario,
                family=family,
                stealth=self.stealth,
                style=self.style,
                techniques=techniques,
                void=self.stealth == "S4",
                kind=self.victim.kind,
                realm=victim.realm,
                principals=tuple(dict.fromkeys(one.principal.name for one in self.holdings)),
                credentials=tuple(dict.fromkeys(one.credential for one in self.holdings)),
                event_ids=tuple(self.event_ids[at] for at in order),
                seconds=tuple(self.seconds[at] for at in order),
                victim_goes_on=self.goes_on,
                prior_uses=0,
            )
        )
