"""Roles that workloads assume, in their own or another account, and federated users: keys that have a parent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from detector.errors import InternalError
from detector.simulate.call import Action
from detector.simulate.catalogue import AWS_OPERATIONS, AWS_WORK
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import (
    Identity,
    Role,
    federated,
    issued,
    issued_federated,
    session,
    user,
)
from detector.simulate.machines import Workload, keys, lifetimes
from detector.simulate.populations.base import (
    Population,
    Shift,
    borrowed,
    duties,
    group,
    groups_of,
    live,
    migrated,
    principal,
    schedule,
)
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_CHILDREN = 4  # roles that one parent assumes, on average
_FEDERATED = 0.15  # of groups
_ELSEWHERE = 0.5  # of groups of roles that another account's workloads assume
_SERVERS = 0.4  # of groups of parents: servers with a user's key; the others are instances
_IN_OFFICES = 0.4  # of groups of servers
_CACHED = 0.6  # of roles whose key is used until it is nearly over; the others are assumed for each task
_TASK = 10 * MINUTE
_LIVES = (15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 12 * HOUR)
_LIFE_SHARES = (0.15, 0.6, 0.05, 0.1, 0.1)
_LONGEST_BY_ROLE = HOUR  # AWS gives no more to who has been given a role itself

# How code names its sessions: as it is told to, or with whatever its SDK makes up.
_NAMES: tuple[Callable[[Fleet, str, int], str], ...] = (
    lambda _fleet, role, _second: f"{role}-session",
    lambda _fleet, _role, second: f"botocore-session-{second}",
    lambda fleet, _role, second: f"aws-sdk-java-{second}{fleet.between(100, 1000)}",
    lambda fleet, _role, _second: f"app-{fleet.hex(8)}",
    lambda _fleet, _role, _second: "airflow",
    lambda fleet, _role, second: f"{second}{fleet.between(100_000_000, 999_999_999)}",
)


@dataclass(slots=True)
class _Parent:
    """Who assumes: the credentials it holds, in order of their starts, and the user it is, if it is one."""

    holdings: list[Holding]
    user: Identity | None = None
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [holding.start for holding in self.holdings]

    def at(self, second: int) -> Holding | None:
        """What it holds at `second`, unless it is being replaced just then."""
        place = bisect_right(self.starts, second) - 1
        return self.holdings[place] if place >= 0 and second < self.holdings[place].last else None


class Chained(Population):
    """`aws.session/assumed` and `aws.session/federation`, used from where their parent is."""

    name: ClassVar[str] = "chained"
    title: ClassVar[str] = "Assumed roles and federated users"
    share: ClassVar[float] = 0.06

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            of_users = bool(fleet.rng.random() < _FEDERATED)
            home = _another(fleet, sites, account) if not of_users and fleet.rng.random() < _ELSEWHERE else account
            servers = of_users or bool(fleet.rng.random() < _SERVERS)
            parents = _parents(fleet, sites, home, number, max(1, size // _CHILDREN), servers=servers)
            kind = "aws.session/federation" if of_users else "aws.session/assumed"
            made = group(fleet, account, f"/shared-{number}/", kind, duties(fleet, AWS_WORK, AWS_OPERATIONS))
            for member in range(size):
                parent = parents[fleet.between(0, len(parents))]
                name = f"shared-{number}-{member}"
                child = _FederatedUser if of_users else _AssumedRole
                child(fleet, made, name, parent).run(sites.offices[0])


def _another(fleet: Fleet, sites: Sites, account: str) -> str:
    """Another account of the tenant, if it has one."""
    others = [other for other in sites.accounts if other != account]
    return others[fleet.between(0, len(others))] if others else account


def _parents(fleet: Fleet, sites: Sites, account: str, number: int, count: int, *, servers: bool) -> list[_Parent]:
    """Servers with the key of a user, or instances, that assume roles beside their own work."""
    region = fleet.regions[fleet.between(0, len(fleet.regions))]
    kind = "aws.access-key" if servers else "aws.session/instance"
    made = group(fleet, account, f"/orchestration-{number}/", kind, duties(fleet, AWS_WORK, AWS_OPERATIONS))
    egress = migrated(fleet, sites, sites.nat(account, region), account)
    if servers and fleet.rng.random() < _IN_OFFICES:
        egress = sites.offices[fleet.between(0, 2)]
    found = []
    for member in range(count):
        name = f"orchestrator-{number}-{member}"
        parent = _server(fleet, made, name, egress) if servers else _instances(fleet, made, name, egress)
        live(fleet, *parent.holdings, desk=sites.offices[0])
        found.append(parent)
    return found


def _server(fleet: Fleet, made: Group, name: str, egress: Egress) -> _Parent:
    caller = user(made.realm, made.path, name, fleet.key("AIDA"), fleet.key("AKIA"))
    owner = principal(fleet, made, caller.arn, established=True)
    begin = fleet.start - fleet.between(10 * DAY, 300 * DAY)
    habitat = Habitat(egress, made.releases)
    return _Parent([Holding(owner, caller, caller.key, made.kind, begin, fleet.end + 60 * DAY, habitat)], caller)


def _instances(fleet: Fleet, made: Group, name: str, egress: Egress) -> _Parent:
    role = Role(made.realm, made.path, name, fleet.key("AROA"))
    owner = principal(fleet, made, f"{role.arn}#instance", established=True)
    held: list[Holding] = []
    for launch, end in lifetimes(fleet, owner, fleet.parameters.instance_life * 3 * DAY, immutable=True):
        habitat = Habitat(egress, made.releases, launch)
        held += keys(fleet, owner, role, habitat, Workload(f"i-{fleet.hex(17)}", launch, end, "2.0"))
    return _Parent(held)


class _Issued(NamedTuple):
    """A child's session as its parent gets it: `request` and `answer` are what the log has of the call, as JSON."""

    name: str
    caller: Identity
    request: str
    answer: str


class _Child(ABC):
    """A principal that has only what `parent` asks for. `life` is that of a key, in seconds.

    Some use a key until it is nearly over; the others ask for another one for each task.
    """

    action: ClassVar[Action]

    def __init__(self, fleet: Fleet, owner: Principal, parent: _Parent, life: int) -> None:
        self._fleet, self._principal, self._parent, self._life = fleet, owner, parent, life
        self._cached = bool(fleet.rng.random() < _CACHED)

    @abstractmethod
    def issue(self, key: str, second: int, end: int) -> _Issued:
        """`key`, good in [second, end)."""

    def run(self, desk: Egress) -> None:
        """Let the parent do the principal's work, with keys that it asks for when it has none."""
        fleet = self._fleet
        for seconds, churn in schedule(fleet, self._principal, fleet.start, fleet.end):
            shifts = list(self._shifts(seconds))
            fleet.take_turns(shifts, churn=churn)
            for holding, _ in shifts:
                borrowed(fleet, holding, desk)

    def _shifts(self, seconds: list[int]) -> Iterator[Shift]:
        place = 0
        while place < len(seconds):
            asked = seconds[place] - self._fleet.between(1, 5)
            held = self._parent.at(asked)
            if held is None or held.last <= seconds[place]:  # the parent is being replaced: this is not done
                place += 1
                continue
            holding = self._ask(held, asked)
            after = bisect_left(seconds, holding.last, place + 1)
            yield holding, seconds[place:after]
            place = after

    def _ask(self, parent: Holding, second: int) -> Holding:
        """The child's key, and the row that says who asked for it, from where."""
        fleet = self._fleet
        key, end = fleet.key(), second + self._life
        issued = self.issue(key, second, end)
        for context, churn in parent.habitat.contexts(fleet, [second]):
            fleet.call(
                second, parent.caller, self.action, context, request=issued.request, response=issued.answer, churn=churn
            )
        fleet.story["sessions handed out"] += 1
        until = min(end - 5 * MINUTE if self._cached else second + _TASK, parent.workload_end or end)
        holding = Holding(
            self._principal, issued.caller, key, self._principal.group.kind, second, end, parent.habitat,
            until=until, session=issued.name,
        )  # fmt: skip
        return fleet.hold(holding)


class _AssumedRole(_Child):
    """A role, with session names as real code makes them."""

    action: ClassVar[Action] = Action("sts", "AssumeRole")

    def __init__(self, fleet: Fleet, made: Group, name: str, parent: _Parent) -> None:
        self._role = Role(made.realm, made.path, name, fleet.key("AROA"))
        self._named = _NAMES[int(fleet.rng.integers(len(_NAMES)))]
        life = int(fleet.rng.choice(_LIVES, p=_LIFE_SHARES))
        owner = principal(fleet, made, f"{self._role.arn}#assumed")
        super().__init__(fleet, owner, parent, life if parent.user else min(life, _LONGEST_BY_ROLE))

    def issue(self, key: str, second: int, end: int) -> _Issued:
        """See `_Child.issue`."""
        role, name = self._role, self._named(self._fleet, self._role.name, second)
        request = f'{{"roleArn":"{role.arn}","roleSessionName":"{name}","durationSeconds":{self._life}}}'
        return _Issued(name, session(role, name, key, second), request, issued(key, end, role, name))


class _FederatedUser(_Child):
    """A name that the parent, a user, hands its rights out under."""

    action: ClassVar[Action] = Action("sts", "GetFederationToken")

    def __init__(self, fleet: Fleet, made: Group, name: str, parent: _Parent) -> None:
        if parent.user is None:
            raise InternalError(f"expected a user who federates {name}, found a role")
        self._user, self._name = parent.user, name
        owner = principal(fleet, made, f"arn:aws:sts::{made.realm}:federated-user/{name}")
        super().__init__(fleet, owner, parent, int(fleet.rng.choice((HOUR, 12 * HOUR))))

    def issue(self, key: str, second: int, end: int) -> _Issued:
        """See `_Child.issue`."""
        request = f'{{"name":"{self._name}","durationSeconds":{self._life}}}'
        caller = federated(self._user, self._name, key, second)
        return _Issued(self._name, caller, request, issued_federated(key, end, self._user.account, self._name))
