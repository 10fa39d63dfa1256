"""IAM users' long-lived keys: on servers, in cron jobs, in other clouds and in developers' tools.

Nothing binds such a key to a place. Some are shared by workloads that know nothing of each other, some are used once
in weeks, a quarter is rotated, and what was forgotten goes on trying a key that was withdrawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from detector.simulate import rotation
from detector.simulate.catalogue import AWS_COMPUTE, AWS_ENUMERATION, AWS_OPERATIONS, AWS_WORK
from detector.simulate.clients import ATTACKER_CLI, ENGINEER_CLI, TERRAFORM, TOOLS, Sdk, updated
from detector.simulate.desks import Person, SignOn, permission_set, person
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import user
from detector.simulate.habits import Releases
from detector.simulate.populations.base import Population, borrowed, duties, group, groups_of, live, migrated, principal
from detector.simulate.rotation import Tenure
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

_KIND: Final = "aws.access-key"
_PLACES: Final = {"office": 0.3, "cron": 0.2, "other-cloud": 0.14, "rented": 0.08, "cloud": 0.1, "laptop": 0.18}
_NO_PATH: Final = 0.5  # of groups whose users stand in `/`, as most users do
_DORMANT: Final = 0.08  # of keys, used on a day or two in weeks
_JOINS: Final = 0.3  # of shared keys get one more holder in the middle of the run
_OTHER_HANDS: Final = 0.3  # of workloads are written by somebody else than the others of their group
_MEMBER_NEWS: Final = 2 * DAY
_FORGETS: Final = 0.3  # of workloads whose key is withdrawn: a copy of the old key stays behind
_ROTATION: Final = "rotation"
_VARYING: Final = 0.25  # of groups in another cloud whose machines come and go with addresses of their own
_PERIODS: Final = (HOUR, 6 * HOUR, DAY, 7 * DAY)
_RETRY: Final = "InvalidClientTokenId"
_LAPTOP_WORK: Final = (*AWS_WORK, *AWS_COMPUTE, *(action for action in AWS_ENUMERATION if action.service != "iam"))


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One of the holders of a key: where it runs, and when it calls (None = as its principal does).

    `since` (seconds) is when it was given the key, `forgets` says that a copy of it misses that its key is withdrawn,
    and `churn` why all of its uses are unusual, if they are.
    """

    habitat: Habitat
    seconds: Callable[[int, int], list[int]] | None = None
    since: int = 0
    forgets: bool = False
    churn: str = ""


class AccessKeys(Population):
    """`aws.access-key` outside the places where a role could be had, and inside, where nobody made one."""

    name: ClassVar[str] = "access_keys"
    title: ClassVar[str] = "Long-lived IAM keys"
    share: ClassVar[float] = 0.07

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        administrators = {
            account: SignOn(
                person(fleet, sites, f"admin-{at}"), permission_set(fleet, account, "IdentityAdministrator")
            )
            for at, account in enumerate(sites.accounts)
        }
        share, made = 0.0, 0
        for place, part in _PLACES.items():
            share += part
            wanted = round(share * principals) - made
            made += wanted
            for number, size in enumerate(groups_of(fleet, wanted)):
                account = sites.accounts[fleet.between(0, len(sites.accounts))]
                self._group(fleet, sites, place, f"{place}-{number}", size, administrators[account])

    def _group(self, fleet: Fleet, sites: Sites, place: str, name: str, size: int, administrator: SignOn) -> None:
        """Users whose keys are held in one kind of place."""
        account = administrator.role.account
        path = "/" if fleet.rng.random() < _NO_PATH else f"/{name}/"
        made = _group_at(fleet, place, account, path)
        made.owner = name
        shared = _place(fleet, sites, place, account)
        for number in range(size):
            arn = f"arn:aws:iam::{account}:user{path}{name}-{number}"
            owner = principal(fleet, made, arn)
            holders = self._holders(fleet, sites, owner, place, shared)
            self._live(fleet, sites, owner, holders, administrator)

    def _holders(self, fleet: Fleet, sites: Sites, owner: Principal, place: str, shared: Egress | None) -> list[Member]:
        """Who holds the keys of one user: one workload, or several that know nothing of each other."""
        count = int(fleet.rng.integers(3, 10)) if fleet.rng.random() < fleet.parameters.shared_keys else 1
        found = [_member(fleet, sites, owner, place, shared)]
        for _ in range(count - 1):
            where = str(fleet.rng.choice(list(_PLACES)))
            found.append(_member(fleet, sites, owner, where, _place(fleet, sites, where, owner.realm)))
        if count > 1:
            fleet.story["shared keys"] += 1

            def part(start: int, end: int) -> list[int]:
                return owner.rhythm.seconds(fleet, start, end, count**-0.5)

            found = [replace(member, seconds=member.seconds or part, churn="shared_key") for member in found]
            if fleet.rng.random() < _JOINS:
                found[-1] = replace(found[-1], since=fleet.between(fleet.start + 2 * DAY, fleet.end))
        elif place not in {"cron", "laptop"} and fleet.rng.random() < _DORMANT:
            fleet.story["dormant keys"] += 1
            found[0] = replace(found[0], seconds=lambda start, end: _occasions(fleet, start, end), churn="dormant")
        forgets = place != "laptop" and fleet.rng.random() < _FORGETS
        return [replace(found[0], forgets=forgets), *found[1:]]

    def _live(
        self, fleet: Fleet, sites: Sites, owner: Principal, holders: Sequence[Member], administrator: SignOn
    ) -> None:
        """All keys of one user, in the hands of everyone who holds them."""
        path, _, name = owner.name.rpartition(":user")[2].rpartition("/")
        user_id = fleet.key("AIDA")
        tenures = rotation.tenures(
            fleet,
            administrator,
            name,
            holders[0].habitat,
            since=owner.since,
            identity=lambda key: user(owner.realm, f"{path}/", name, user_id, key),
        )
        for member in holders:
            moves = rotation.moves(fleet, tenures)
            for tenure, (start, until) in zip(tenures, moves, strict=True):
                _hold(fleet, sites, owner, member, tenure, start, until)
            if member.forgets and tenures[0].end < fleet.end:
                _forget(fleet, owner, member, tenures[0], moves[0][1])


def _hold(fleet: Fleet, sites: Sites, owner: Principal, member: Member, tenure: Tenure, start: int, until: int) -> None:
    """One key in the hands of one holder, who uses it in [start, until)."""
    begin = max(start, member.since, owner.since)
    if begin >= min(until, fleet.end):
        return
    key = tenure.identity.key
    holding = Holding(owner, tenure.identity, key, _KIND, begin, tenure.end, member.habitat, until=until)
    if member.seconds is None:
        live(fleet, holding)
    else:
        fleet.hold(holding)
        seconds = member.seconds(max(begin, fleet.start), min(until, fleet.end))
        known = bisect_left(seconds, member.since + _MEMBER_NEWS) if member.since else 0
        fleet.work(holding, seconds[:known], churn="new_member")
        fleet.work(holding, seconds[known:], churn=member.churn)
    if member.habitat.egress not in sites.offices:
        borrowed(fleet, holding, sites.offices[fleet.between(0, len(sites.offices))])


def _forget(fleet: Fleet, owner: Principal, member: Member, tenure: Tenure, since: int) -> None:
    """A copy of a job that nobody told: it keeps the old key, and goes on trying until somebody looks."""
    fleet.story["forgotten jobs"] += 1
    end = min(fleet.end, tenure.end + fleet.between(DAY, 14 * DAY))
    start = max(since, fleet.start)
    seconds = member.seconds(start, end) if member.seconds else owner.rhythm.seconds(fleet, start, end)
    first = owner.group.repertoire.actions[0]
    for second, (context, _) in zip(seconds, member.habitat.contexts(fleet, seconds), strict=True):
        refused = second >= tenure.end
        churn = "revoked_retry" if refused else _ROTATION
        fleet.call(second, tenure.identity, first, context, error=_RETRY if refused else "", churn=churn)


def _group_at(fleet: Fleet, place: str, account: str, path: str) -> Group:
    """Workloads of one place, with the clients one finds there."""
    if place == "laptop":
        return group(fleet, account, path, _KIND, _LAPTOP_WORK, agent=lambda sdk: _tool(ENGINEER_CLI, sdk))
    if place in {"cron", "rented"} and fleet.rng.random() < 0.7:
        tools = (ATTACKER_CLI, *(tool for tool in TOOLS if tool not in {ATTACKER_CLI, ENGINEER_CLI, TERRAFORM}))
        tool = tools[fleet.between(0, len(tools))]
        return group(fleet, account, path, _KIND, AWS_WORK, agent=lambda sdk: _tool(tool, sdk))
    return group(fleet, account, path, _KIND, duties(fleet, AWS_WORK, AWS_OPERATIONS))


def _tool(tool: str, sdk: Sdk) -> str:
    """A tool that is updated when an SDK would be."""
    first = Sdk.first(sdk.family)
    return updated(tool, max(0, sdk.minor - first.minor) if sdk.major == first.major else 4)


def _place(fleet: Fleet, sites: Sites, place: str, account: str) -> Egress | None:
    """What workloads of one place leave by; None where everyone has a way of their own."""
    region = fleet.regions[fleet.between(0, len(fleet.regions))]
    if place in {"office", "cron"}:
        return migrated(fleet, sites, sites.offices[fleet.between(0, len(sites.offices))], account)
    if place == "cloud":
        return migrated(fleet, sites, sites.nat(account, region), account)
    if place == "rented":
        provider = fleet.between(0, 20)
        return Egress.of(region, [fleet.plan.hosting(provider) for _ in range(fleet.between(1, 3))])
    if place == "other-cloud" and fleet.rng.random() >= _VARYING:
        egress = Egress.of(region, [fleet.plan.other_cloud() for _ in range(fleet.between(1, 5))])
        for second in moments(fleet, fleet.parameters.nat_rotation):
            egress.change(second, [fleet.plan.other_cloud() for _ in range(fleet.between(1, 5))], "nat_rotation")
        return migrated(fleet, sites, egress, account)
    return None


def _member(fleet: Fleet, sites: Sites, owner: Principal, place: str, shared: Egress | None) -> Member:
    """One holder in one place."""
    strange = place != owner.group.owner.rpartition("-")[0]
    if place == "laptop":
        someone = person(fleet, sites, "developer")
        shell = ENGINEER_CLI if fleet.rng.random() < 0.6 else ATTACKER_CLI
        team = Releases([(0, shell, "")]) if strange or fleet.rng.random() < 0.3 else owner.group.releases
        return Member(Habitat(someone.egress, _toolbox(fleet, team, someone)), _typing(fleet, owner, someone))
    releases = owner.group.releases
    if strange or fleet.rng.random() < _OTHER_HANDS:
        releases = Releases([(0, Sdk.first(str(fleet.rng.choice(("boto3", "go", "java", "js")))).agent(), "")])
    habitat = Habitat(shared or _machines(fleet), releases)
    return Member(habitat, _runs(fleet) if place == "cron" else None)


def _typing(fleet: Fleet, owner: Principal, someone: Person) -> Callable[[int, int], list[int]]:
    return lambda start, end: someone.sittings(fleet, start, end, owner.rhythm.per_day)


def _toolbox(fleet: Fleet, team: Releases, someone: Person) -> Releases:
    """What a developer runs: the team's command line most days, a script or Terraform on others."""
    script = Sdk.first("boto3").agent().replace("os/linux#6.1.112-122.189.amzn2023.x86_64", "os/macos#24.1.0")
    versions = []
    for midnight in range(someone.midnight(fleet.start), fleet.end, DAY):
        chance = fleet.rng.random()
        other = script if chance < 0.12 else TERRAFORM if chance < 0.2 else ""
        versions.append((midnight, other or team.at(midnight)[0], ""))
    return Releases(versions)


def _machines(fleet: Fleet) -> Egress:
    """Machines of another cloud that come and go, each with an address of its own."""
    egress = Egress.of(fleet.regions[0], [fleet.plan.other_cloud()])
    for second in moments(fleet, 1 / (2 * fleet.parameters.instance_life)):
        egress.change(second, [fleet.plan.other_cloud()], "autoscale", news=DAY)
    return egress


def _runs(fleet: Fleet) -> Callable[[int, int], list[int]]:
    """A job that runs every hour to every week, at its own minute, some calls each time."""
    period = int(fleet.rng.choice(_PERIODS, p=(0.25, 0.2, 0.45, 0.1)))
    phase = 5 * MINUTE * fleet.between(0, period / (5 * MINUTE))
    calls = 1 + fleet.between(0, 2 if period == HOUR else 8)
    pause = fleet.between(1, 40)

    def seconds(start: int, end: int) -> list[int]:
        first = start + (phase - start) % period
        found = []
        for tick in range(first, end, period):
            pauses = fleet.rng.integers(pause // 2, pause + 2, calls).cumsum().tolist()
            found += [tick + at for at in pauses if tick + at < end]
        return found

    return seconds


def _occasions(fleet: Fleet, start: int, end: int) -> list[int]:
    """A key that is needed on a day or two in weeks: by hand, when something breaks or a quarter ends."""
    found: list[int] = []
    for second in fleet.arrivals(start, end, 1 / 14):
        found += fleet.arrivals(second, min(end, second + HOUR), 24 * fleet.between(1, 10))
    return sorted(found)
