"""What every scenario is played with: a victim, a thief's place and tools, and what he does, by stealth and style.

How much he does and for how long is drawn once: log-normal around twelve uses, within half a minute to three days.
Style is crossed with every scenario: *mimic* does only what the victim does, *noisy* only what strangers do first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from detector.simulate import disguise
from detector.simulate.call import Action, Caller, Context
from detector.simulate.catalogue import AWS_ENUMERATION, AWS_SECRETS
from detector.simulate.disguise import Foothold, Place
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.formats import use
from detector.simulate.sites import Sites
from detector.simulate.truth import Stealth, Style, Theft
from detector.simulate.world import DAY, HOUR, MINUTE

SPANS = (30, 5 * MINUTE, HOUR, 6 * HOUR, 3 * DAY)
_SLOW = 6 * HOUR  # who hides takes at least that long
STYLES: tuple[Style, ...] = ("mimic", "mixed", "noisy")
_STYLE_SHARES = (0.3, 0.4, 0.3)
_IN_PROFILE = {"S0": 0.0, "S1": 0.25, "S2": 0.5, "S3": 1.0, "S4": 1.0}
_WHOSE = re.compile(r"CallerIdentity|self-?subject|who-?am-?i|lookup-self|get-?self|current|userinfo", re.IGNORECASE)
_WORTH_TRYING = 10 * MINUTE  # a key with less left is not worth trying
_RELIES = 0.5  # of thieves leave it to the owner to renew a lease
_RENEWED_AT = 2  # thirds of a lease
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
    ramp: int = 0  # uses before the theft proper, which only make the thief's place look usual
    foothold: Foothold | None = None  # where he works from, if that is a workload of the tenant

    @classmethod
    def draw(cls, fleet: Fleet, sites: Sites, victim: Holding, stealth: Stealth, begin: int) -> Play:
        """A theft with drawn style, length and size."""
        rng = fleet.rng
        style = STYLES[int(rng.choice(3, p=_STYLE_SHARES))]
        count = int(min(500, max(1, 12 * rng.lognormal(0.0, 1.0))))
        span = SPANS[int(rng.integers(len(SPANS)))]
        if stealth in ("S3", "S4"):
            span = max(span, _SLOW)
        goes_on = bool(rng.random() < 0.6)
        return cls(fleet, sites, victim, stealth, style, begin, count, span, len(fleet.thefts), goes_on=goes_on)

    # --- where from and with what ------------------------------------------------------------------------------------

    def context(self, place: Place | None = None, *, client: str = "") -> Context:
        """The thief's context; `place` and `client` default to what his stealth does.

        Among the tenant's own workloads it is that of his first use: he leaves as others do there, see `use`.
        """
        place = place or self._place()
        self.foothold = disguise.foothold(self.fleet, self.victim, place, self.begin, self.begin + self.span)
        if self.foothold is None:
            address, endpoint = disguise.address(self.fleet, self.victim, place)
            return self.at(address, client=client, endpoint=endpoint)
        egress = self.foothold.habitat.egress
        return self.at(egress.at(self.begin).addresses[0], client=client, endpoint=egress.endpoint)

    def at(self, address: str, *, client: str = "", endpoint: str = "") -> Context:
        """The thief's context at a given address."""
        return Context(address, client or self.client(), self.victim.habitat.egress.region, endpoint)

    def client(self) -> str:
        """A tool (S0), an SDK (S1), or what the victim runs; all of them have been seen with somebody benign."""
        return disguise.client(self.fleet, self.victim, self.stealth, self.begin)

    def victims_client(self) -> str:
        """What the victim's workload sends at the time of the theft."""
        return disguise.victims_client(self.victim, self.begin)

    def _place(self) -> Place:
        if self.stealth == "S0":
            return "hosting" if self.fleet.rng.random() < 0.7 else "residential"
        return {"S1": "cloud", "S2": "cloud", "S3": "neighbour", "S4": "own"}[self.stealth]  # type: ignore[return-value]

    # --- what and when -----------------------------------------------------------------------------------------------

    def times(
        self, count: int | None = None, *, begin: int | None = None, span: int | None = None, until: int | None = None
    ) -> list[int]:
        """Seconds of `count` uses: the first at the beginning, the others at random within the span, before `until`."""
        count, begin, span = count or self.count, begin or self.begin, span or self.span
        until = min(self.fleet.end, until or self.fleet.end)
        span = max(1, min(span, until - begin - 1))
        rest = sorted(self.fleet.rng.integers(0, span, count - 1).tolist())
        return [begin, *(begin + second for second in rest)]

    def while_valid(self, count: int | None = None, *, begin: int | None = None) -> list[int]:
        """The same, while the stolen credential is good: an expired one is refused."""
        return self.times(count, begin=begin, until=self.victim.end)

    def actions(
        self, count: int, *, strange: Sequence[Action] | None = None, holding: Holding | None = None
    ) -> list[tuple[Action, str]]:
        """What is done, and its error: the owner's own operations, or `strange` ones, by stealth and style.

        `strange` defaults to what the log has for looking around and for reading secrets; the owner is the victim's
        or that of `holding`.
        """
        rng, holding = self.fleet.rng, holding or self.victim
        repertoire = holding.principal.group.repertoire
        pool = tuple(strange) if strange is not None else () if only_traded(holding) else unusual(holding)
        own = max(_IN_PROFILE[self.stealth], {"mimic": 1.0, "mixed": 0.5, "noisy": 0.0}[self.style])
        if self.stealth == "S0" and self.style == "mimic":
            own = 0.5  # who does not hide looks around first
        found = []
        theirs = iter(self.in_profile(count, holding=holding))
        for _ in range(count):
            if rng.random() < own or not pool:
                found.append((next(theirs), ""))
            else:
                denied = repertoire.denied_error if rng.random() < _DENIED else ""
                found.append((pool[int(rng.integers(len(pool)))], denied))
        return found

    def in_profile(self, count: int, *, holding: Holding | None = None) -> list[Action]:
        """Operations of the victim's own (or the holding's): what it has done so far, else what its group does."""
        owner = (holding or self.victim).principal
        did = [action for second, action in self.fleet.surroundings.done.get(id(owner), ()) if second < self.begin]
        if did:
            return [did[at] for at in self.fleet.pick(len(did), count)]
        repertoire = owner.group.repertoire
        chosen = self.fleet.rng.choice(len(repertoire.actions), count, p=repertoire.weights).tolist()
        return [repertoire.actions[at] for at in chosen]

    def unusual(self) -> tuple[Action, ...]:
        """Operations that strangers try, in the words of the victim's log."""
        return unusual(self.victim)

    # --- doing it ----------------------------------------------------------------------------------------------------

    def use(
        self, second: int, context: Context, action: Action, error: str = "", *, holding: Holding | None = None,
        caller: Caller | None = None, request: str = "", response: str = "null",
    ) -> None:  # fmt: skip
        """One malicious use of the victim's (or another) credential; nothing outside the simulated time.

        From a workload of the tenant it leaves as that workload's uses do at the time, whatever `context` has.
        """
        holding = holding or self.victim
        if not self.fleet.start <= second < self.fleet.end:
            return
        if self.foothold is not None:
            context = self._leaving(self.foothold, second, context, action)
        event_id = self.fleet.call(
            second, caller or holding.caller, action, context, error=error, request=request, response=response,
            theft=self.index,
        )  # fmt: skip
        self.event_ids.append(event_id)
        self.seconds.append(second)
        if holding not in self.holdings:
            self.holdings.append(holding)

    def uses(
        self,
        seconds: Sequence[int],
        context: Context | Sequence[Context],
        *,
        strange: Sequence[Action] | None = None,
        caller: Caller | None = None,
    ) -> None:
        """Malicious uses of the victim's credential at `seconds`, from one context or from one for each."""
        contexts = [context] * len(seconds) if isinstance(context, Context) else context
        for second, origin, (action, error) in zip(
            seconds, contexts, self.actions(len(seconds), strange=strange), strict=True
        ):
            self.use(second, origin, action, error, caller=caller)
        if caller is None and isinstance(context, Context):
            self._renew(seconds, context)

    def _renew(self, seconds: Sequence[int], context: Context) -> None:
        """Who keeps a leased token for long renews it as its owner does, or else relies on the owner to."""
        said = self.fleet.surroundings.renewals.get(self.victim.credential)
        if said is None or not isinstance(said.caller, use.Identity) or said.caller.parent:
            return  # none, or one by which another credential was issued
        if self.stealth == "S0" or self.fleet.rng.random() < _RELIES:
            return
        life = said.caller.expires_at - said.second
        step = max(MINUTE, _RENEWED_AT * life // 3)
        for second in range(seconds[0] + step, seconds[-1], step):
            renewing = said.caller.stating("renew", expires_at=second + life)
            self.fleet.attribute(renewing, self.victim.principal)  # its clock is the owner's
            self.use(second, context, said.action, caller=renewing)

    def _leaving(self, foothold: Foothold, second: int, context: Context, action: Action) -> Context:
        """`context` as seen of the foothold at `second`; once that is gone, he takes the next one he finds."""
        if second >= foothold.until:
            found = disguise.foothold(self.fleet, self.victim, "neighbour", second, self.begin + self.span)
            self.foothold = foothold = found or foothold
        habitat = foothold.habitat
        ((address, _),) = habitat.egress.addresses(self.fleet.rng, [second])
        return habitat.context_of(action, context._replace(address=address, endpoint=habitat.egress.endpoint))

    def imitate(self, seconds: Sequence[int]) -> None:
        """Malicious uses at `seconds` that are drawn exactly as the victim's own are."""
        habitat = self.victim.habitat
        contexts = habitat.contexts(self.fleet, seconds)
        done = self.victim.principal.group.repertoire.done(self.fleet.rng, seconds)
        for second, (context, _), one in zip(seconds, contexts, done, strict=True):
            self.use(second, habitat.context_of(one.action, context), one.action, one.error)

    def harvest(self, count: int) -> list[Holding]:
        """The victim's holding, and of up to `count` - 1 others of its realm and log one each, good at the time."""
        fleet, victim = self.fleet, self.victim
        others: dict[int, Holding] = {}
        for one in fleet.holdings:
            if (
                one.start <= self.begin < one.last - _WORTH_TRYING
                and one.principal.since <= self.begin
                and one.principal.realm == victim.principal.realm
                and one.caller.log == victim.caller.log
                and one.principal is not victim.principal
                and id(one.principal) not in fleet.stolen
            ):
                others[id(one.principal)] = one
        order = fleet.rng.permutation(len(others))[: count - 1].tolist()
        able = list(others.values())
        taken = [able[at] for at in order]
        fleet.stolen.update(id(one.principal) for one in taken)
        return [victim, *taken]

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
                opening=self.ramp,
            )
        )


def unusual(holding: Holding) -> tuple[Action, ...]:
    """Operations that strangers try, in the words of the holding's log."""
    return holding.principal.group.unusual or (*AWS_ENUMERATION, *AWS_SECRETS)


def only_traded(holding: Holding) -> bool:
    """Whether the credential can only be traded for another one, such as a secret id that logs in."""
    return isinstance(holding.caller, use.Identity) and holding.caller.activity == "exchange"


def question(holding: Holding) -> Action:
    """What asks whose a credential is, in the words of its log; else what its owner reads most, or does most."""
    repertoire = holding.principal.group.repertoire
    known = repertoire.actions if only_traded(holding) else (*unusual(holding), *repertoire.actions)
    asking = (action for action in known if _WHOSE.search(action.name))
    often = sorted(zip(repertoire.weights, repertoire.actions, strict=True), key=lambda one: -one[0])
    return next(asking, next((action for _, action in often if action.read_only), often[0][1]))


def silences(seconds: Sequence[int], end: int, away: int) -> list[tuple[int, int]]:
    """Stretches between `seconds` (in order) and up to `end`, each `away` from the use before and after it."""
    stretches = ((last + away, following - away) for last, following in itertools.pairwise((*seconds, end + away)))
    return [(low, min(high, end)) for low, high in stretches if low < min(high, end)]


def spread(fleet: Fleet, stretches: Sequence[tuple[int, int]], count: int) -> list[int]:
    """`count` seconds in order, uniform over `stretches` taken together."""
    lengths = np.array([high - low for low, high in stretches])
    ends = np.cumsum(lengths)
    drawn = np.sort(fleet.rng.integers(0, int(ends[-1]), count))
    at = np.searchsorted(ends, drawn, side="right")
    lows = np.array([low for low, _ in stretches])
    seconds: list[int] = (lows[at] + drawn - (ends - lengths)[at]).tolist()
    return seconds
