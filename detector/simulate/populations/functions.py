"""Lambda functions: environments that come with the calls and go, each with its own key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from detector.simulate.catalogue import AWS_OPERATIONS, AWS_WORK
from detector.simulate.clients import Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, session
from detector.simulate.machines import PrivateNetwork
from detector.simulate.populations.base import (
    Population,
    Shift,
    borrowed,
    duties,
    group,
    groups_of,
    migrated,
    principal,
    schedule,
)
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_LIFE = 0.1 * DAY  # of an environment, median
_KEY_LIFE = 12 * HOUR
_ATTACHED = 0.4  # of groups whose functions run inside a network of the tenant
_PARALLEL = 0.12  # of calls that meet a busy environment, so that another one is made
_RUNTIMES = {"boto3": "python3.12", "java": "java21", "go": "provided.al2023", "js": "nodejs20.x"}


class Functions(Population):
    """`aws.session/function`: one session name for all environments, a key each, addresses shared with everybody."""

    name: ClassVar[str] = "functions"
    title: ClassVar[str] = "Lambda functions"
    share: ClassVar[float] = 0.08

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            made = group(
                fleet,
                account,
                f"/fn-{number}/",
                "aws.session/function",
                duties(fleet, AWS_WORK, AWS_OPERATIONS),
                agent=_agent,
            )
            region = fleet.regions[fleet.between(0, len(fleet.regions))]
            attached = fleet.rng.random() < _ATTACHED
            gateways = migrated(fleet, sites, sites.nat(account, region), account) if attached else None
            network = PrivateNetwork.draw(fleet, region) if attached else PrivateNetwork(region)
            for member in range(size):
                name = f"fn-{number}-{member}"
                role = Role(account, made.path, f"{name}-role", fleet.key("AROA"))
                owner = principal(fleet, made, f"{role.arn}#function")
                _Function(fleet, owner, role, name, network, gateways).run(sites.offices[0])


class _Function:
    """One function and its environments."""

    def __init__(
        self, fleet: Fleet, owner: Principal, role: Role, name: str, network: PrivateNetwork, gateways: Egress | None
    ) -> None:
        self._fleet, self._owner, self._role, self._name = fleet, owner, role, name
        self._network, self._gateways = network, gateways
        arn = f"arn:aws:lambda:{network.region}:{role.account}:function:{name}"
        self._scope = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": arn}
        self._releases = [second for second, _, _ in owner.group.releases.versions]

    def run(self, desk: Egress) -> None:
        """Let the function answer its calls; in the hard tier, engineers try its credentials at `desk`."""
        fleet, owner = self._fleet, self._owner
        for seconds, churn in schedule(fleet, owner, fleet.start, fleet.end):
            shifts = self._environments(seconds)
            fleet.take_turns(shifts, churn=churn)
            for holding, _ in shifts:
                borrowed(fleet, holding, desk)

    def _environments(self, seconds: Sequence[int]) -> list[Shift]:
        """An environment for the first of `seconds`, another for each that finds none alive, or none free."""
        busy = (self._fleet.rng.random(len(seconds)) < _PARALLEL).tolist()
        shifts: list[Shift] = []
        alive: list[Shift] = []
        for second, parallel in zip(seconds, busy, strict=True):
            alive = [shift for shift in alive if shift[0].last > second]
            free = 1 if alive and parallel else 0
            if free == len(alive):
                alive.append((self._environment(second), []))
                shifts.append(alive[-1])
            alive[free][1].append(second)
        return shifts

    def _environment(self, second: int) -> Holding:
        """A cold start for the use at `second`; the environment is gone after its life, or with the next release."""
        fleet = self._fleet
        start = second - fleet.between(1, MINUTE)
        end = second + max(5 * MINUTE, int(_LIFE * fleet.rng.lognormal(0.0, 0.8)))
        following = bisect_right(self._releases, second)
        if following < len(self._releases):
            end = max(second + 1, min(end, self._releases[following]))
        region = self._network.region
        egress = self._gateways or Egress.first_seen(region, fleet.plan.function(region), "function_pool")
        caller = session(self._role, self._name, fleet.key(), start, inScopeOf=self._scope)
        fleet.story["function environments"] += 1
        holding = Holding(
            self._owner, caller, caller.key, self._owner.group.kind, start, start + _KEY_LIFE,
            self._network.habitat(fleet, egress, self._owner.group.releases, second),
            workload=f"{self._name}/{caller.key[4:13]}", workload_end=end, session=self._name,
        )  # fmt: skip
        return fleet.hold(holding)


def _agent(sdk: Sdk) -> str:
    return sdk.agent(f"exec-env/AWS_Lambda_{_RUNTIMES[sdk.family]}")
