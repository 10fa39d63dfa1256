"""EC2 instances with a role: NAT pools or own addresses, VPC endpoints, rolling deploys, spot interruptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from detector.simulate.call import Action, Context
from detector.simulate.catalogue import AWS_OPERATIONS, AWS_WORK
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, aws_service
from detector.simulate.machines import PrivateNetwork, Workload, keys, lifetimes, replicas
from detector.simulate.populations.base import Population, duties, group, groups_of, live, migrated, principal
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_TERMINATE = Action("ec2", "TerminateInstances", read_only=False)
_NEWS = 6 * HOUR  # as long is a new instance's own address unusual
_IMMUTABLE = 0.5  # of groups: a release replaces the instances; the others are updated in place
_OLD_METADATA = 0.15  # of groups that still use version 1 of the metadata service


@dataclass(frozen=True, slots=True)
class _Way:
    """How the instances of a group leave their `network`: by `gateways`, else by addresses of their own."""

    network: PrivateNetwork
    gateways: Egress | None

    def habitat(self, fleet: Fleet, owner: Principal, launch: int, release: int) -> Habitat:
        """The habitat of a new instance."""
        region = self.network.region
        own = Egress.first_seen(region, fleet.plan.instance(region), "new_instance", launch + _NEWS)
        return self.network.habitat(fleet, self.gateways or own, owner.group.releases, release)


class Instances(Population):
    """`aws.session/instance`: the key of instance metadata, renewed a little before six hours are over."""

    name: ClassVar[str] = "instances"
    title: ClassVar[str] = "EC2 instances"
    share: ClassVar[float] = 0.16

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            made = group(
                fleet, account, f"/svc-{number}/", "aws.session/instance", duties(fleet, AWS_WORK, AWS_OPERATIONS)
            )
            way = _way(fleet, sites, account)
            immutable = bool(fleet.rng.random() < _IMMUTABLE)
            delivery = "1.0" if fleet.rng.random() < _OLD_METADATA else "2.0"
            for member in range(size):
                role = Role(account, made.path, f"svc-{number}-{member}", fleet.key("AROA"))
                owner = principal(fleet, made, f"{role.arn}#instance")
                count = replicas(fleet)
                for _ in range(count):
                    held = _slot(fleet, owner, role, way, delivery, immutable=immutable)
                    live(fleet, *held, share=1 / count, desk=sites.offices[0])


def _way(fleet: Fleet, sites: Sites, account: str) -> _Way:
    region = fleet.regions[fleet.between(0, len(fleet.regions))]
    if fleet.rng.random() < fleet.parameters.own_address_share:
        return _Way(PrivateNetwork(region), None)
    gateways = migrated(fleet, sites, sites.nat(account, region), account)
    return _Way(PrivateNetwork.draw(fleet, region), gateways)


def _slot(fleet: Fleet, owner: Principal, role: Role, way: _Way, delivery: str, *, immutable: bool) -> list[Holding]:
    """The keys of an instance and of those that replace it."""
    spot = fleet.rng.random() < fleet.parameters.spot_share
    life = fleet.parameters.instance_life * DAY * (0.4 if spot else 1.0)
    found = []
    for launch, end in lifetimes(fleet, owner, life, immutable=immutable):
        instance = f"i-{fleet.hex(17)}"
        habitat = way.habitat(fleet, owner, launch, launch if immutable else 0)
        found += keys(fleet, owner, role, habitat, Workload(instance, launch, end, delivery))
        _terminate(fleet, role, instance, way.network.region, end + fleet.between(5, 2 * MINUTE))
        fleet.story["instances"] += end > fleet.start
    return found


def _terminate(fleet: Fleet, role: Role, instance: str, region: str, second: int) -> None:
    """Auto Scaling says that the instance is gone."""
    host = "autoscaling.amazonaws.com"
    items = f'{{"instancesSet":{{"items":[{{"instanceId":"{instance}"}}]}}}}'
    fleet.call(second, aws_service(role.account, host), _TERMINATE, Context(host, host, region), request=items)
