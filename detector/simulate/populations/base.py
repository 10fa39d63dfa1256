"""A population: one way in which workloads hold credentials, with the benign churn that belongs to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

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
_BURST = 400  # uses of one backfill at most
_PERIODS = (15 * MINUTE, HOUR, DAY, 7 * DAY)


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
) -> Group:
    """A group with a repertoire out of `pool`, and releases through time: new versions, new actions, another SDK."""
    rng, parameters = fleet.rng, fleet.parameters
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
    fleet: Fleet, group: Group, name: str, *, amplitude: float | None = None, busier: float = 1.0
) -> Principal:
    """A principal of `group` with a rhythm of its own. Some appear only in the middle of the run."""
    rng, parameters = fleet.rng, fleet.parameters
    since = 0
    if rng.random() < parameters.new_service * parameters.days:
        since = fleet.between(fleet.start + DAY, fleet.end)
        fleet.story["new services"] += 1
    swing = float(rng.choice(_AMPLITUDES, p=(0.5, 0.3, 0.2))) if amplitude is None else amplitude
    per_day = busier * rate_of(rng, parameters.uses_per_day, parameters.uses_sigma)
    period = int(rng.choice(_PERIODS, p=(0.05, 0.35, 0.5, 0.1))) if rng.random() < _CRON else 0
    return Principal(name, group, Rhythm(per_day, swing, period), since)


def live(fleet: Fleet, holding: Holding) -> None:
    """Remember a holding and let its holder work through it, with a backfill now and then."""
    fleet.hold(holding)
    owner = holding.principal
    start, end = max(fleet.start, holding.start, owner.since), min(fleet.end, holding.last)
    new = "new_service" if owner.since and start - owner.since < DAY else ""
    fleet.work(holding, owner.rhythm.seconds(fleet, start, end), churn=new)
    for second in fleet.arrivals(start, end, fleet.parameters.backfill):
        burst = fleet.arrivals(second, min(end, second + 2 * HOUR), 40 * owner.rhythm.per_day)
        fleet.work(holding, burst[:_BURST], churn="backfill")


def borrowed(fleet: Fleet, holding: Holding, home: Egress, agent: str = ENGINEER_CLI) -> None:
    """The hard tier's engineer: now and then somebody debugs with the workload's credential from a desk."""
    desk = Habitat(home, Releases([(0, agent, "")]))
    end = min(fleet.end, holding.last)
    for second in fleet.arrivals(max(fleet.start, holding.start), end, fleet.parameters.local_debugging):
        fleet.story["credentials borrowed"] += 1
        seconds = fleet.arrivals(second, min(end, second + HOUR), 12 * 24)
        done = holding.principal.group.repertoire.done(fleet.rng, seconds)
        for at, (context, _), one in zip(seconds, desk.contexts(fleet, seconds), done, strict=True):
            fleet.call(at, holding.caller, one.action, context, error=one.error, churn="local_debugging")
