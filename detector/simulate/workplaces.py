"""Where workloads work whose credentials no cloud account issued: clusters, own premises, vendors, other clouds.

An `Egress` is made once for all that share it, so that what befalls a place befalls everybody in it.
"""

from __future__ import annotations

from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import migrated
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR

_POOL_SHARE = 0.2  # of vendors, that leave by a pool of fifty addresses
_HOP = 0.02  # per vendor and day: its traffic leaves from another region for a while
_RENUMBERED = 0.004  # per vendor and day: it moves to other addresses for good


def cloud(fleet: Fleet, sites: Sites) -> Egress:
    """Behind the gateways of one of the tenant's accounts."""
    account = sites.accounts[fleet.between(0, len(sites.accounts))]
    region = fleet.regions[fleet.between(0, len(fleet.regions))]
    return migrated(fleet, sites, sites.nat(account, region), account)


def cluster(fleet: Fleet, sites: Sites) -> Egress:
    """Behind the gateways of one of the tenant's clusters."""
    name = sites.clusters[fleet.between(0, len(sites.clusters))]
    return migrated(fleet, sites, sites.nat(name, sites.regions_of[name]), name)


def premises(fleet: Fleet, sites: Sites) -> Egress:
    """A server in an office or data centre of the tenant."""
    return migrated(fleet, sites, sites.offices[fleet.between(0, len(sites.offices))], "")


def functions(fleet: Fleet, _sites: Sites) -> Egress:
    """Functions without a network of their own: addresses of a pool that all customers share."""
    region = fleet.regions[fleet.between(0, len(fleet.regions))]
    return Egress.of(region, [fleet.plan.function(region) for _ in range(40)], connection=2)


def other_cloud(fleet: Fleet, _sites: Sites) -> Egress:
    """Gateways in the other cloud."""
    egress = Egress.of("us-east-1", [fleet.plan.other_cloud() for _ in range(fleet.between(1, 4))])
    for second in moments(fleet, fleet.parameters.nat_rotation):
        egress.change(second, [fleet.plan.other_cloud() for _ in range(fleet.between(1, 4))], "nat_rotation")
    return egress


def vendor(fleet: Fleet, _sites: Sites) -> Egress:
    """A vendor's machines at a hosting provider: up to three addresses, or a pool of fifty; now and then elsewhere."""
    provider = fleet.between(0, 20)
    size = 50 if fleet.rng.random() < _POOL_SHARE else fleet.between(1, 4)

    def pool(of: int) -> list[str]:
        return [fleet.plan.hosting(of) for _ in range(size)]

    egress = Egress.of("us-east-1", pool(provider), connection=2)
    for second in moments(fleet, _RENUMBERED):
        egress.change(second, pool(provider), "vendor_renumbered")
    for second in moments(fleet, _HOP):
        egress.detour(second, second + fleet.between(HOUR, 2 * DAY), pool(provider), "vendor_region_hop")
    for second in moments(fleet, fleet.parameters.isp_failover):
        fleet.story["ISP failovers"] += 1
        egress.detour(second, second + fleet.between(HOUR, DAY), pool(fleet.between(0, 20)), "isp_failover")
    return egress
