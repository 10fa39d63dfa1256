"""Pods that also hold AWS credentials: the token of their service account is traded for a role session.

The SDK trades again five minutes before the hour is over, under the session name it chose when the pod started. All
traffic leaves by the gateways of the cluster. Sessions that nobody uses are not written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from detector.simulate.call import Action
from detector.simulate.catalogue import AWS_OPERATIONS, AWS_WORK
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Identity, Role, compact, issued, session
from detector.simulate.machines import PrivateNetwork, lifetimes, replicas
from detector.simulate.populations.base import (
    Population,
    Shift,
    borrow,
    duties,
    group,
    groups_of,
    migrated,
    principal,
    schedule,
)
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_LIFE = HOUR
_RENEWED = 55 * MINUTE
_TRADE = Action("sts", "AssumeRoleWithWebIdentity")
_SESSION_NAMES = ("botocore-session-{second}", "aws-sdk-java-{second}417", "{second}000000000", "{role}")


@dataclass(frozen=True, slots=True)
class _Account:
    """A service account that may assume a role: `caller` is what it is before it has."""

    owner: Principal
    role: Role
    provider: str
    caller: Identity
    naming: str
    network: PrivateNetwork
    habitats: dict[int, Habitat] = field(default_factory=dict)  # launch of a pod → where it is


class Irsa(Population):
    """`aws.session/web-identity`: an hour, for a service account of a cluster."""

    name: ClassVar[str] = "irsa"
    title: ClassVar[str] = "Pods with a role (web identity)"
    share: ClassVar[float] = 0.03

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        issuers = {cluster: fleet.hex(32).upper() for cluster in sites.clusters}
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            cluster = sites.clusters[fleet.between(0, len(sites.clusters))]
            region = sites.regions_of[cluster]
            host = f"oidc.eks.{region}.amazonaws.com/id/{issuers[cluster]}"
            made = group(
                fleet, account, f"/pods-{number}/", "aws.session/web-identity", duties(fleet, AWS_WORK, AWS_OPERATIONS)
            )
            egress = migrated(fleet, sites, sites.nat(cluster, region), cluster)
            network = PrivateNetwork.draw(fleet, region)
            naming = _SESSION_NAMES[fleet.between(0, len(_SESSION_NAMES))]
            for member in range(size):
                role = Role(account, made.path, f"pods-{number}-{member}", fleet.key("AROA"))
                provider = f"arn:aws:iam::{account}:oidc-provider/{host}"
                caller = _federated(account, provider, f"system:serviceaccount:apps-{number}:{role.name}")
                owner = principal(fleet, made, f"{role.arn}#web-identity")
                count = replicas(fleet)
                for _ in range(count):
                    _replica(fleet, sites, _Account(owner, role, provider, caller, naming, network), egress, 1 / count)


def _federated(account: str, provider: str, subject: str) -> Identity:
    """A pod that has only its service account's token yet."""
    return Identity(account, subject, "", compact({
        "type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject,
        "identityProvider": provider,
    }))  # fmt: skip


def _replica(fleet: Fleet, sites: Sites, account: _Account, egress: Egress, share: float) -> None:
    """Pods that replace each other, each with its sessions."""
    owner = account.owner
    pods = list(lifetimes(fleet, owner, fleet.parameters.pod_life * DAY, immutable=True))
    made: dict[tuple[int, int], Holding] = {}
    for seconds, churn in schedule(fleet, owner, fleet.start, fleet.end, share):
        fleet.take_turns(list(_shifts(fleet, account, egress, pods, seconds, made)), churn=churn)
    start = max(fleet.start, owner.since)
    borrowed = fleet.arrivals(start, fleet.end, share * fleet.parameters.local_debugging)
    for holding, (second, *_) in _shifts(fleet, account, egress, pods, borrowed, made):
        borrow(fleet, holding, second, sites.offices[0])


def _shifts(
    fleet: Fleet, account: _Account, egress: Egress, pods: list[tuple[int, int]], seconds: list[int],
    made: dict[tuple[int, int], Holding],
) -> Iterator[Shift]:  # fmt: skip
    """The sessions in use at `seconds`, fetched as they are needed; `made` are those that exist already."""
    found: dict[tuple[int, int], list[int]] = {}
    for second in seconds:
        launch, end = pods[max(0, bisect_right(pods, (second, 0)) - 1)]
        if launch < second < end:
            found.setdefault((launch, (second - launch) // _RENEWED), []).append(second)
    for (launch, turn), mine in found.items():
        if (launch, turn) not in made:
            end = next(end for start, end in pods if start == launch)
            made[launch, turn] = _trade(fleet, account, egress, launch, launch + turn * _RENEWED, end)
        yield made[launch, turn], mine


def _trade(fleet: Fleet, account: _Account, egress: Egress, launch: int, start: int, end: int) -> Holding:
    """The session that a pod gets at `start`, for the token of its service account."""
    role, owner, key = account.role, account.owner, fleet.key()
    name = account.naming.format(second=launch, role=role.name)
    caller = session(
        role,
        name,
        key,
        start,
        context={"webIdFederationData": {"federatedProvider": account.provider, "attributes": {}}},
    )
    if launch not in account.habitats:
        account.habitats[launch] = account.network.habitat(fleet, egress, owner.group.releases, max(launch, 1))
    habitat = account.habitats[launch]
    ((context, churn),) = habitat.contexts(fleet, [start])
    request = compact({"roleArn": role.arn, "roleSessionName": name, "durationSeconds": _LIFE})
    answer = issued(key, start + _LIFE, role, name)
    fleet.call(start, account.caller, _TRADE, context, request=request, response=answer, churn=churn)
    return fleet.hold(Holding(
        owner, caller, key, owner.group.kind, start, start + _LIFE, habitat,
        until=min(end, start + _RENEWED), workload=f"{role.name}-{launch}", workload_end=end, session=name,
    ))  # fmt: skip
