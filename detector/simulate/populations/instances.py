"""EC2 instances with a role: NAT pools or own addresses, VPC endpoints, rolling deploys, spot interruptions."""

from __future__ import annotations

from typing import ClassVar

from detector.simulate.call import Action, Context
from detector.simulate.catalogue import AWS_WORK
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, aws_service, session
from detector.simulate.populations.base import Population, borrowed, group, groups_of, live, principal
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_KEY_LIFE = 6 * HOUR
_TERMINATE = Action("ec2", "TerminateInstances", read_only=False)


class Instances(Population):
    """`aws.session/instance`: the key of instance metadata, renewed a little before six hours are over."""

    name: ClassVar[str] = "instances"
    title: ClassVar[str] = "EC2 instances"
    share: ClassVar[float] = 0.16

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            made = group(fleet, account, f"/svc-{number}/", "aws.session/instance", AWS_WORK)
            region = fleet.regions[fleet.between(0, len(fleet.regions))]
            egress = self._egress(fleet, sites, account, region)
            for member in range(size):
                role = Role(account, made.path, f"svc-{number}-{member}", fleet.key("AROA"))
                owner = principal(fleet, made, role.arn)
                self._run(fleet, sites, owner, role, egress)

    def _egress(self, fleet: Fleet, sites: Sites, account: str, region: str) -> Egress | None:
        """The gateways, an endpoint, or None for instances with addresses of their own."""
        chance = fleet.rng.random()
        if chance < fleet.parameters.own_address_share:
            return None
        if chance < fleet.parameters.own_address_share + fleet.parameters.endpoint_share:
            return Egress.of(
                region, [fleet.plan.private(fleet.between(0, 8)) for _ in range(24)], endpoint=f"vpce-{fleet.hex(17)}"
            )
        return sites.nat(account, region)

    def _run(self, fleet: Fleet, sites: Sites, owner: Principal, role: Role, shared: Egress | None) -> None:
        """One service: an instance at a time, each replaced after its life or by a deploy."""
        life = fleet.parameters.instance_life * DAY * (0.4 if fleet.rng.random() < fleet.parameters.spot_share else 1.0)
        launch = fleet.start - fleet.between(0, life)
        while launch < fleet.end:
            end = launch + max(int(HOUR), int(life * fleet.rng.lognormal(0.0, 0.8)))
            region = shared.region if shared else fleet.regions[0]
            egress = shared or Egress.of(region, [fleet.plan.instance(region)])
            self._live(fleet, sites, owner, role, egress, launch, end)
            launch = end - fleet.between(30, 3 * MINUTE)

    def _live(
        self, fleet: Fleet, sites: Sites, owner: Principal, role: Role, egress: Egress, launch: int, end: int
    ) -> None:
        """One instance from launch to termination."""
        instance = f"i-{fleet.hex(17)}"
        habitat = Habitat(egress, owner.group.releases, max(launch, 1))
        refresh = _KEY_LIFE - fleet.between(10 * MINUTE, 40 * MINUTE)
        for start in range(launch, end, refresh):
            if start + refresh < fleet.start or start >= fleet.end:
                continue
            caller = session(role, instance, fleet.key(), start, context={"ec2RoleDelivery": "2.0"})
            holding = Holding(
                owner, caller, caller.key, owner.group.kind, start, start + _KEY_LIFE, habitat,
                until=start + refresh, workload=instance, workload_end=end, session=instance,
            )  # fmt: skip
            live(fleet, holding)
            borrowed(fleet, holding, sites.offices[0])
        _terminate(fleet, role, instance, egress.region, end)


def _terminate(fleet: Fleet, role: Role, instance: str, region: str, end: int) -> None:
    """Auto Scaling says that the instance is gone."""
    host = "autoscaling.amazonaws.com"
    items = f'{{"instancesSet":{{"items":[{{"instanceId":"{instance}"}}]}}}}'
    fleet.call(end + 90, aws_service(role.account, host), _TERMINATE, Context(host, host, region), request=items)
