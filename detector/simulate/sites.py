"""The places a tenant works in: accounts with their gateways, clusters, offices; and what happens to them meanwhile.

What befalls a place befalls everybody in it at the same instant: a gateway pool that is replaced, a region that fails
over, an office that leaves through another provider.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet
from detector.simulate.world import DAY, HOUR


@dataclass(slots=True)
class Sites:
    """Ways out by place. Account ids are twelve digits; clusters are named `NAME`, their realm is that name."""

    accounts: tuple[str, ...]
    clusters: tuple[str, ...]
    nats: dict[tuple[str, str], Egress]  # (account or cluster, region) → gateways
    offices: tuple[Egress, ...]
    extended: frozenset[str]  # clusters that accept a pod token for a year
    regions_of: dict[str, str] = field(default_factory=dict)  # cluster → region

    def nat(self, account: str, region: str) -> Egress:
        """The gateways of an account (or cluster) in a region."""
        return self.nats[account, region]


def draw(fleet: Fleet) -> Sites:
    """The places of a tenant, with everything that happens to them in the simulated time."""
    rng, parameters = fleet.rng, fleet.parameters
    accounts = tuple(f"{int(rng.integers(10**11, 10**12))}" for _ in range(parameters.accounts))
    clusters = tuple(f"{fleet.name}-k8s-{number}" for number in range(parameters.clusters))
    nats = {(place, region): _gateways(fleet, region) for place in (*accounts, *clusters) for region in fleet.regions}
    for region in fleet.regions:
        _fail_over(fleet, region, nats)
    return Sites(
        accounts,
        clusters,
        nats,
        offices=tuple(_office(fleet, uplink) for uplink in range(3)),
        extended=frozenset(name for name in clusters if rng.random() < parameters.extended_tokens),
        regions_of={name: fleet.regions[number % len(fleet.regions)] for number, name in enumerate(clusters)},
    )


def moments(fleet: Fleet, per_day: float) -> list[int]:
    """Seconds at which something happens that happens `per_day` times a day."""
    return fleet.arrivals(fleet.start, fleet.end, per_day)


def _gateways(fleet: Fleet, region: str) -> Egress:
    def pool() -> list[str]:
        return [fleet.plan.gateway(region) for _ in range(fleet.parameters.nat_gateways)]

    egress = Egress.of(region, pool())
    for second in moments(fleet, fleet.parameters.nat_rotation):
        fleet.story["NAT rotations"] += 1
        egress.change(second, pool(), "nat_rotation")
    return egress


def _fail_over(fleet: Fleet, region: str, nats: dict[tuple[str, str], Egress]) -> None:
    """For hours, what ran in `region` leaves through the gateways of another one."""
    others = [other for other in fleet.regions if other != region]
    for second in moments(fleet, fleet.parameters.failover) if others else ():
        fleet.story["region failovers"] += 1
        other = others[fleet.between(0, len(others))]
        end = second + fleet.between(HOUR / 2, 6 * HOUR)
        for (place, where), egress in nats.items():
            if where == region:
                egress.detour(second, end, nats[place, other].at(second).addresses, "failover")


def _office(fleet: Fleet, uplink: int) -> Egress:
    """A fixed address or two, or a secure web gateway; in the hard tier it fails over to another provider."""
    if uplink == 2:
        vendor = fleet.between(0, 4)
        egress = Egress.of("us-east-1", [fleet.plan.web_gateway(vendor) for _ in range(12)], connection=1)
    else:
        egress = Egress.of("us-east-1", [fleet.plan.office(uplink) for _ in range(1 + uplink)])
    for second in moments(fleet, fleet.parameters.isp_failover):
        fleet.story["ISP failovers"] += 1
        isp = fleet.plan.favourite_isps[uplink]
        end = second + fleet.between(HOUR, DAY)
        egress.detour(second, end, [fleet.plan.residential(isp)], "isp_failover")
    return egress
