"""ECS and Fargate services: tasks with a role, replaced by every deploy."""

from __future__ import annotations

from typing import ClassVar

from detector.simulate.catalogue import AWS_OPERATIONS, AWS_WORK
from detector.simulate.clients import Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Holding, Principal
from detector.simulate.formats.cloudtrail import Role
from detector.simulate.machines import PrivateNetwork, Workload, keys, lifetimes, replicas
from detector.simulate.populations.base import Population, duties, group, groups_of, live, migrated, principal
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR

_PUBLIC = 0.4  # of groups whose tasks have public addresses
_FARGATE = 0.7  # of the others


class Containers(Population):
    """`aws.session/container`: the session's name is the task's id, its key is renewed before six hours are over."""

    name: ClassVar[str] = "containers"
    title: ClassVar[str] = "ECS and Fargate tasks"
    share: ClassVar[float] = 0.05

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            public = fleet.rng.random() < _PUBLIC
            agent = _fargate if public or fleet.rng.random() < _FARGATE else _on_instances
            made = group(
                fleet,
                account,
                f"/ecs-{number}/",
                "aws.session/container",
                duties(fleet, AWS_WORK, AWS_OPERATIONS),
                agent=agent,
            )
            region = fleet.regions[fleet.between(0, len(fleet.regions))]
            gateways = None if public else migrated(fleet, sites, sites.nat(account, region), account)
            network = PrivateNetwork(region) if public else PrivateNetwork.draw(fleet, region)
            for member in range(size):
                role = Role(account, made.path, f"task-{number}-{member}", fleet.key("AROA"))
                owner = principal(fleet, made, f"{role.arn}#container")
                count = replicas(fleet)
                for _ in range(count):
                    held = _slot(fleet, owner, role, network, gateways)
                    live(fleet, *held, share=1 / count, desk=sites.offices[0])


def _slot(
    fleet: Fleet, owner: Principal, role: Role, network: PrivateNetwork, gateways: Egress | None
) -> list[Holding]:
    """The keys of a task and of those that replace it."""
    found = []
    for launch, end in lifetimes(fleet, owner, fleet.parameters.pod_life * DAY, immutable=True):
        own = Egress.first_seen(network.region, fleet.plan.function(network.region), "new_task", launch + 6 * HOUR)
        habitat = network.habitat(fleet, gateways or own, owner.group.releases, launch)
        found += keys(fleet, owner, role, habitat, Workload(fleet.hex(32), launch, end))
        fleet.story["tasks"] += end > fleet.start
    return found


def _fargate(sdk: Sdk) -> str:
    return sdk.agent("exec-env/AWS_ECS_FARGATE")


def _on_instances(sdk: Sdk) -> str:
    return sdk.agent("exec-env/AWS_ECS_EC2")
