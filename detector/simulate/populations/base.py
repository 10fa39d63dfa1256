"""A population: one way in which workloads hold credentials, with the benign churn that belongs to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from detector.registry import members
from detector.simulate import populations
from detector.simulate.call import Action
from detector.simulate.clients import ENGINEER_CLI, SDKS, Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.habits import Releases, Repertoire, Rhythm, rate_of
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

_AMPLITUDES = (0.0, 0.5, 0.9)
_CRON = 0.15
_SPEAKS_ON = 0.6  # of migrations: some of the traffic still leaves by the old gateways
_BURST = 400  # uses of one backfill at most
_PERIODS = (15 * MINUTE, HOUR, DAY, 7 * DAY)
_ROUND_MINUTES = (0, 0, 0, 5, 15, 30)
_NEW = DAY  # a new service is news
_OPERATES = 0.12  # of groups of workloads run operations
_SIDELINES = 13  # operations that an ordinary group may have to do, at most
Shift = tuple[Holding, list[int]]


class Population(ABC):
    """A member of the family. `name` is the file's name; `share` how much of a fleet's principals it is."""

    name: ClassVar[str]
    title: ClassVar[str]
    share: ClassVar[float]

    @abstractmethod
    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """Let about `principals` principals live through the simulated time."""


def load_populations() -> dict[str, Population]:
    """All populations by name."""
    return {name: member() for name, member in members(populations, Population).items()}


def populate(fleet: Fleet, sites: Sites) -> None:
    """Every population, each with its own chance: another one more or less changes nobody else's events."""
    for name, population in load_populations().items():
        with fleet.chance(name):
            population.populate(fleet, sites, max(1, round(population.share * fleet.parameters.principals)))


def groups_of(fleet: Fleet, principals: int, least: int = 4) -> Iterator[int]:
    """Sizes of groups that add up to `principals`: Zipf-like around the fleet's group size."""
    left = principals
    while left > 0:
        size = int(max(least, fleet.parameters.group_size * fleet.rng.lognormal(-0.3, 0.8)))
        yield min(size, left)
        left -= size


def duties(fleet: Fleet, work: Sequence[Action], operations: Sequence[Action]) -> tuple[Action, ...]:
    """What the workloads of a group may call: their `work` and some `operations`, or mostly those.

    Inventories, secret rotation, autoscalers and posture scanners are workloads like others, and most services do a
    little of it. Without them, nobody but a thief would look around with such a credential.
    """
    operates = bool(fleet.rng.random() < _OPERATES)
    some = len(operations) // 2 if operates else fleet.between(0, _SIDELINES)
    least = len(work) // 4 if operates else len(work)
    chosen = [operations[at] for at in fleet.rng.permutation(len(operations)).tolist()[:some]]
    return tuple(dict.fromkeys((*(work[at] for at in fleet.rng.permutation(len(work)).tolist()[:least]), *chosen)))


def group(
    fleet: Fleet,
    realm: str,
    path: str,
    kind: str,
    pool: Sequence[Action],
    *,
    families: Sequence[str] = tuple(SDKS),
    agent: Callable[[Sdk], str] = Sdk.agent,
    environment: str = "production",
    repertoire: Repertoire | None = None,
) -> Group:
    """A group with a repertoire out of `pool`, and releases through time: new versions, new actions, another SDK."""
    rng, parameters = fleet.rng, fleet.parameters
    if repertoire is None:
        repertoire = Repertoire.draw(rng, pool, int(rng.integers(min(4, len(pool)), min(16, len(pool)) + 1)))
    sdk = Sdk.first(str(rng.choice(families)))
    versions = [(0, agent(sdk), "")]
    spare = [action for action in pool if action not in repertoire.actions]
    for second in moments(fleet, parameters.releases):
        fleet.story["releases"] += 1
        sdk = sdk.major_update() if rng.random() < 0.1 else sdk.minor_update()
        versions.append((second, agent(sdk), "release"))
        if spare and rng.random() < parameters.new_action_share:
            repertoire.release(second, spare.pop(int(rng.integers(len(spare)))))
    for second in moments(fleet, parameters.sdk_migration):
        fleet.story["SDK migrations"] += 1
        versions.append((second, agent(Sdk.first(str(rng.choice(families)))), "sdk_migration"))
    made = Group(
        realm,
        path,
        kind,
        repertoire,
        Releases(sorted(versions)),
        owner=path.strip("/").split("/")[-1],
        environment=environment,
    )
    fleet.groups.append(made)
    return made


def principal(
    fleet: Fleet, group: Group, name: str, *, amplitude: float | None = None, busier: float = 1.0,
    established: bool = False,
) -> Principal:  # fmt: skip
    """A principal of `group` with a rhythm of its own. Unless `established`, it may appear in the middle of the run."""
    rng, parameters = fleet.rng, fleet.parameters
    since = 0
    if not established and rng.random() < parameters.new_service * parameters.days:
        since = fleet.between(fleet.start + DAY, fleet.end)
        fleet.story["new services"] += 1
    swing = float(rng.choice(_AMPLITUDES, p=(0.5, 0.3, 0.2))) if amplitude is None else amplitude
    per_day = busier * rate_of(rng, parameters.uses_per_day, parameters.uses_sigma)
    period = int(rng.choice(_PERIODS, p=(0.05, 0.35, 0.5, 0.1))) if rng.random() < _CRON else 0
    return Principal(name, group, Rhythm(per_day, swing, period, _phase(rng, period)), since)


def _phase(rng: np.random.Generator, period: int) -> int:
    """Schedules begin at round minutes of any hour, most at the full one."""
    hour, minute = int(rng.integers(0, 7 * 24)), int(rng.choice(_ROUND_MINUTES))
    return (hour * HOUR + minute * MINUTE) % period if period else 0


def migrated(fleet: Fleet, sites: Sites, egress: Egress, account: str) -> Egress:
    """The way out of one group: `egress`, unless the hard tier moves the group to other gateways for good.

    Call it once for what moves together. `account` (or cluster) is where `egress` is; a VPC endpoint does not move.
    More often than not the old place speaks on for some hours.
    """
    others = [place for place in (*sites.accounts, *sites.clusters) if place != account]
    for second in moments(fleet, fleet.parameters.migration) if others and not egress.endpoint else ():
        fleet.story["migrations"] += 1
        to = sites.nat(others[fleet.between(0, len(others))], egress.region)
        overlap = fleet.between(HOUR, 12 * HOUR) if fleet.rng.random() < _SPEAKS_ON else 0
        egress = egress.moved(second, second + overlap, to, "migration")
    return egress


def live(fleet: Fleet, *holdings: Holding, share: float = 1.0, desk: Egress | None = None) -> None:
    """Remember holdings that follow each other, and let their holder work through them.

    `share` of its principal's work is done here, where several workloads do the rest. At `desk`, in the hard tier,
    engineers borrow the credentials. Many holdings at once are much faster than one by one.
    """
    if not holdings:
        return
    owner = holdings[0].principal
    for holding in holdings:
        if holding.last > owner.since:
            fleet.hold(holding)
    for seconds, churn in schedule(fleet, owner, holdings[0].start, holdings[-1].last, share):
        fleet.take_turns(shifts(holdings, seconds), churn=churn)
    if desk is not None:
        start, end = max(fleet.start, holdings[0].start, owner.since), min(fleet.end, holdings[-1].last)
        wanted = fleet.arrivals(start, end, share * fleet.parameters.local_debugging)
        for holding, seconds in shifts(holdings, wanted):
            for second in seconds:
                borrow(fleet, holding, second, desk)


def schedule(
    fleet: Fleet, owner: Principal, start: int, end: int, share: float = 1.0
) -> Iterator[tuple[list[int], str]]:
    """When `owner` works in [start, end): seconds in order, with the benign cause that makes all of them unusual."""
    start, end = max(fleet.start, start, owner.since), min(fleet.end, end)
    seconds = owner.rhythm.seconds(fleet, start, end, share)
    known = bisect_left(seconds, owner.since + _NEW) if owner.since else 0
    yield seconds[:known], "new_service"
    yield seconds[known:], ""
    for second in fleet.arrivals(start, end, share * fleet.parameters.backfill):
        burst = fleet.arrivals(second, min(end, second + 2 * HOUR), 40 * owner.rhythm.per_day)
        yield burst[:_BURST], "backfill"


def shifts(holdings: Sequence[Holding], seconds: list[int]) -> list[Shift]:
    """Which of `holdings`, in order of their starts, is used at `seconds`: the newest, unless it is over."""
    ends = [*(holding.start for holding in holdings[1:]), 1 << 40]
    found: list[Shift] = []
    at = bisect_left(seconds, holdings[0].start)
    for holding, end in zip(holdings, ends, strict=True):
        if at == len(seconds):
            break
        if seconds[at] < end:
            after = bisect_left(seconds, end, at)
            found.append((holding, seconds[at : bisect_left(seconds, min(end, holding.last), at)]))
            at = after
    return found


def borrowed(fleet: Fleet, holding: Holding, home: Egress, agent: str = ENGINEER_CLI) -> None:
    """The hard tier's engineer: now and then somebody debugs with the workload's credential from a desk."""
    start, end = max(fleet.start, holding.start, holding.principal.since), min(fleet.end, holding.last)
    for second in fleet.arrivals(start, end, fleet.parameters.local_debugging):
        borrow(fleet, holding, second, home, agent)


def borrow(fleet: Fleet, holding: Holding, second: int, home: Egress, agent: str = ENGINEER_CLI) -> None:
    """Somebody takes the credential of a workload to a desk for an hour, at `second`."""
    fleet.story["credentials borrowed"] += 1
    desk = Habitat(home, Releases([(0, agent, "")]))
    seconds = [second, *fleet.arrivals(second, min(fleet.end, holding.last, second + HOUR), 12 * 24)]
    done = holding.principal.group.repertoire.done(fleet.rng, seconds)
    for at, (context, _), one in zip(seconds, desk.contexts(fleet, seconds), done, strict=True):
        fleet.call(at, holding.caller, one.action, context, error=one.error, churn="local_debugging")
