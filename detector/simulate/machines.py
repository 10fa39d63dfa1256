"""Instances and tasks through time, and the keys that the metadata service of the cloud hands them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Json, Role, session
from detector.simulate.habits import Releases
from detector.simulate.world import HOUR, MINUTE

KEY_LIFE = 6 * HOUR
_CLOSED = 0.3  # of networks with endpoints: nothing leaves them otherwise
_SITES = 40  # private networks, which overlap as in real clouds


class Workload(NamedTuple):
    """An instance or a task in [launch, end), in seconds. `delivery`: its metadata service's version, if logged."""

    name: str
    launch: int
    end: int
    delivery: str = ""


@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """The network that the workloads of a group are in, and its VPC endpoint: of storage or, where `closed`, of all."""

    region: str
    endpoint: str = ""
    site: int = 0
    closed: bool = False

    @classmethod
    def draw(cls, fleet: Fleet, region: str) -> Self:
        """A network of the tenant, which has an endpoint as often as its parameters say."""
        if fleet.rng.random() >= fleet.parameters.endpoint_share:
            return cls(region)
        return cls(region, f"vpce-{fleet.hex(17)}", fleet.between(0, _SITES), bool(fleet.rng.random() < _CLOSED))

    def habitat(self, fleet: Fleet, outside: Egress, releases: Releases, release: int = 0) -> Habitat:
        """The habitat of a new workload in it; it leaves by `outside`, if at all."""
        if not self.endpoint:
            return Habitat(outside, releases, release)
        inside = Egress.of(self.region, [fleet.plan.private(self.site)], endpoint=self.endpoint)
        return Habitat(inside, releases, release) if self.closed else Habitat(outside, releases, release, inside=inside)


def replicas(fleet: Fleet) -> int:
    """How many workloads of one service run side by side: one to six, one or two mostly."""
    return int(min(6, fleet.rng.geometric(0.55)))


def lifetimes(fleet: Fleet, owner: Principal, life: float, *, immutable: bool) -> Iterator[tuple[int, int]]:
    """(launch, end) of workloads that replace each other until the simulation ends; a successor starts first.

    `life` in seconds is the median. `immutable` ones are replaced within two hours of a release, too.
    """
    releases = [second for second, _, _ in owner.group.releases.versions]
    launch = owner.since or fleet.start - fleet.between(0, life)
    while launch < fleet.end:
        end = launch + max(HOUR, int(life * fleet.rng.lognormal(0.0, 0.8)))
        following = bisect_right(releases, launch)
        if immutable and following < len(releases):
            end = min(end, max(launch, releases[following]) + fleet.between(5 * MINUTE, 2 * HOUR))
        yield launch, end
        launch = end - fleet.between(30, 3 * MINUTE)


def keys(fleet: Fleet, owner: Principal, role: Role, habitat: Habitat, workload: Workload) -> list[Holding]:
    """The keys of `workload`, each fetched before the last one expires; its id is the session's name.

    Keys of before the simulation are left out.
    """
    name, launch, end = workload.name, workload.launch, workload.end
    if end <= fleet.start:
        return []
    refresh = KEY_LIFE - fleet.between(10 * MINUTE, 40 * MINUTE)
    before = max(0, fleet.start - launch) // refresh
    context: Json = {"ec2RoleDelivery": workload.delivery} if workload.delivery else {}
    found = []
    for start in range(launch + before * refresh, min(end, fleet.end), refresh):
        caller = session(role, name, fleet.key(), start, context=context)
        holding = Holding(
            owner, caller, caller.key, owner.group.kind, start, start + KEY_LIFE, habitat,
            until=start + refresh, workload=name, workload_end=end, session=name,
        )  # fmt: skip
        found.append(holding)
    return found
