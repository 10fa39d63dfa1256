"""A small tenant made by hand, in which scenarios are played: places, a few workloads, one theft at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from detector.domain import KINDS
from detector.simulate import sites as places
from detector.simulate.call import BENIGN, Action, Call, Caller
from detector.simulate.catalogue import AWS_WORK
from detector.simulate.clients import TOOLS, Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats import cloudtrail, use
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.parameters import Parameters
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.sites import Sites
from detector.simulate.truth import Stealth, Style, Theft
from detector.simulate.world import DAY, START

USE_WORK = (
    Action("orders", "list"),
    Action("orders", "get"),
    Action("orders", "update", read_only=False),
    Action("account", "whoami"),
)
UNUSUAL = (Action("admin", "list-users"), Action("admin", "export", read_only=False))


@dataclass
class Scene:
    """A tenant of `days` days. Its account, and the realm of everything that is not AWS, is `realm`."""

    seed: int = 1
    days: int = 21
    fleet: Fleet = field(init=False)
    sites: Sites = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        seeds = (self.seed,)
        self.fleet = Fleet(
            np.random.default_rng(seeds), START, START + self.days * DAY, parameters=Parameters(), seeds=seeds
        )
        self.sites = places.draw(self.fleet)

    @property
    def realm(self) -> str:
        return self.sites.accounts[0]

    def day(self, number: float) -> int:
        return START + int(number * DAY)

    def gateway(self) -> Egress:
        """A way out through one gateway of the cloud."""
        region = self.fleet.regions[0]
        return Egress.of(region, [self.fleet.plan.gateway(region)])

    def principal(self, kind: str, *, per_day: float = 24.0) -> Principal:
        self._count += 1
        pool = AWS_WORK if kind.startswith("aws") else USE_WORK
        repertoire = Repertoire.draw(self.fleet.rng, pool, 4, rare_rate=0.0, denied_rate=0.0)
        releases = Releases([(0, Sdk.first("java").agent(), "")])
        unusual = () if kind.startswith("aws") else UNUSUAL
        group = Group(self.realm, "/svc/", kind, repertoire, releases, unusual=unusual)
        name = f"svc-{self._count}"
        arn = f"arn:aws:iam::{self.realm}:user/svc/{name}" if kind == "aws.access-key" else name
        return Principal(arn, group, Rhythm(per_day))

    def holding(
        self,
        kind: str,
        *,
        owner: Principal | None = None,
        start: int = START,
        end: int = 0,
        until: int = 0,
        workload_end: int = 0,
        egress: Egress | None = None,
        caller: Caller | None = None,
        seconds: list[int] | None = None,
    ) -> Holding:
        """A credential of `kind` at work: hourly, or at `seconds`; good until `end`, or for a year."""
        owner = owner or self.principal(kind)
        end = end or self.fleet.end + 365 * DAY
        caller = caller or self.caller(kind, owner, start, end)
        credential = caller.key if isinstance(caller, cloudtrail.Identity) else getattr(caller, "credential", "")
        habitat = Habitat(egress or self.gateway(), owner.group.releases)
        holding = self.fleet.hold(
            Holding(
                owner, caller, credential, kind, start, end, habitat, until=until, workload="w" if workload_end else "",
                workload_end=workload_end,
            )
        )  # fmt: skip
        last = min(holding.last, self.fleet.end)
        at = owner.rhythm.seconds(self.fleet, max(start, START), last) if seconds is None else seconds
        self.fleet.work(holding, at)
        return holding

    def caller(self, kind: str, owner: Principal, start: int, end: int) -> Caller:
        if kind == "aws.access-key":
            name = owner.name.rpartition("/")[2]
            return cloudtrail.user(self.realm, "/svc/", name, self.fleet.key("AIDA"), self.fleet.key("AKIA"))
        if kind.startswith("aws."):
            role = cloudtrail.Role(self.realm, "/svc/", owner.name, self.fleet.key("AROA"))
            return cloudtrail.session(role, "i-0123456789abcdef0", self.fleet.key(), start)
        expiring = not next(one.static for one in KINDS if one.label == kind)
        return use.Identity(
            self.realm, owner.name, self.fleet.key("id-"), kind, issued_at=start, expires_at=end if expiring else 0
        )

    def passers_by(self) -> None:
        """People with tools and workloads with SDKs, so that a thief has somebody to look like."""
        holding = self.holding("aws.access-key", seconds=[])
        for agent in (*TOOLS, *(Sdk.first(family).agent() for family in ("boto3", "go", "js"))):
            ((context, _),) = holding.habitat.contexts(self.fleet, [START])
            self.fleet.call(START, holding.caller, AWS_WORK[0], context._replace(client=agent))

    def steal(self, scenario: Scenario, stealth: Stealth, holding: Holding, *, style: Style | None = None) -> Theft:
        """Play `scenario` on `holding`, which it must be able to."""
        begin = scenario.begin(self.fleet, holding)
        assert begin is not None
        assert scenario.suits_kind(holding.kind)
        self.fleet.stolen.add(id(holding.principal))
        play = Play.draw(self.fleet, self.sites, holding, stealth, begin)
        play.style = style or play.style
        play.count = max(play.count, 6)
        scenario.play(play)
        play.end(scenario.name, scenario.family, scenario.techniques)
        return self.fleet.thefts[-1]

    def malicious(self) -> list[Call]:
        return sorted(
            (call for call in self.fleet.calls if call.theft != BENIGN), key=lambda call: (call.second, call.event_id)
        )

    def own(self, holding: Holding) -> list[Call]:
        """What the owner did with it, in order."""
        mine = (call for call in self.fleet.calls if call.theft == BENIGN and call.caller is holding.caller)
        return sorted(mine, key=lambda call: call.second)


def network(call: Call) -> str:
    """The /8 of the address plan."""
    return call.context.address.partition(".")[0].partition(":")[0]
