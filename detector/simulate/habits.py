"""What a workload does: when it calls, what it calls, and with which client, each through time."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.simulate.call import Action
from detector.simulate.world import DAY, MINUTE, World

_BRANCHING = 0.3  # of uses that call for another one at once (a task, a page of results)
_KNOWN = 0.85  # of uses, rare ones aside, are of operations that were there before any release
_REPEAT = 0.3  # of uses that repeat the operation before
_TASK = 60  # uses of one task at most, on average
_RELEASE_NEWS = 3 * DAY


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a principal calls: `per_day` at random, or in a task every `period` seconds, `phase` after the full one."""

    per_day: float
    amplitude: float = 0.0
    period: int = 0
    phase: int = 0

    def seconds(self, world: World, start: int, end: int, share: float = 1.0) -> list[int]:
        """Seconds of the uses in [start, end), in order; `share` of them, where several workloads share the work."""
        if end <= start:
            return []
        if self.period:
            return self._tasks(world, start, end, share)
        roots = world.arrivals(start, end, share * self.per_day * (1 - _BRANCHING), self.amplitude)
        if not roots:
            return roots
        more = world.rng.geometric(1 - _BRANCHING, len(roots)) - 1
        children = np.repeat(roots, more) + world.rng.integers(1, 2 * MINUTE, int(more.sum()))
        return sorted(roots + [second for second in children.tolist() if second < end])

    def _tasks(self, world: World, start: int, end: int, share: float) -> list[int]:
        """A few seconds after each full period, a task whose uses follow each other."""
        rng = world.rng
        ticks = np.arange(start + (self.phase - start) % self.period, end, self.period)
        ticks = ticks[rng.random(len(ticks)) < share]
        count = 1 + rng.poisson(min(_TASK, self.per_day * self.period / DAY), len(ticks))
        steps = rng.integers(1, 15, int(count.sum()))
        begun = np.cumsum(count) - count
        before = np.cumsum(steps) - steps
        seconds = np.repeat(ticks + rng.integers(0, 20, len(ticks)) - before[begun], count) + before
        found: list[int] = np.sort(seconds[seconds < end]).tolist()
        return found


@dataclass(frozen=True, slots=True)
class Done:
    """One use as a repertoire draws it: what, how it was refused ("" = it was not), and its benign cause."""

    action: Action
    error: str = ""
    churn: str = ""


@dataclass(slots=True)
class Repertoire:
    """What the workloads of a group call. `weights` sum to 1; `rare` comes at `rare_rate`; releases add actions."""

    actions: tuple[Action, ...]
    weights: tuple[float, ...]
    rare: tuple[Action, ...] = ()
    rare_rate: float = 0.0
    denied_rate: float = 0.0
    denied_error: str = "AccessDenied"
    releases: list[tuple[int, Action]] = field(default_factory=list)

    @classmethod
    def draw(cls, rng: np.random.Generator, pool: Sequence[Action], size: int, **rates: float) -> Repertoire:
        """`size` of `pool` with Dirichlet weights; up to five of the others are its rare ones.

        Rates that are not given are drawn: rare 0, 0.1, 0.5 or 2 %, denied 0, 0.2 or 2 %.
        """
        order = rng.permutation(len(pool)).tolist()
        chosen, others = order[:size], order[size : size + 5]
        weights = rng.dirichlet(np.full(len(chosen), 0.6))
        return cls(
            tuple(pool[at] for at in chosen),
            tuple(weights.tolist()),
            tuple(pool[at] for at in others),
            rates.get("rare_rate", float(rng.choice((0.0, 0.001, 0.005, 0.02)))),
            rates.get("denied_rate", float(rng.choice((0.0, 0.002, 0.02), p=(0.6, 0.3, 0.1)))),
        )

    def release(self, second: int, action: Action) -> None:
        """From `second` on the group also calls `action`."""
        insort(self.releases, (second, action))

    def done(self, rng: np.random.Generator, seconds: Sequence[int]) -> list[Done]:
        """What is done at `seconds`, which are in order."""
        count = len(seconds)
        # Not choice(p=…): it checks and sums the weights again, which costs more than the draw.
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], rng.random(count), side="right").tolist()
        chance, second_chance = rng.random(count).tolist(), rng.random(count).tolist()
        found: list[Done] = []
        for at, second in enumerate(seconds):
            action, churn = self.actions[chosen[at]], ""
            if at and chance[at] < _REPEAT:
                action, churn = found[-1].action, found[-1].churn
            elif self.rare and chance[at] > 1 - self.rare_rate:
                action, churn = self.rare[int(second_chance[at] * len(self.rare))], "rare_action"
            elif self.releases and chance[at] > _KNOWN - self.rare_rate:
                released = bisect_right(self.releases, second, key=lambda one: one[0])
                if released:
                    since, action = self.releases[int(second_chance[at] * released)]
                    churn = "release" if second - since < _RELEASE_NEWS else ""
            error = self.denied_error if second_chance[at] < self.denied_rate else ""
            found.append(Done(action, error, churn))
        return found


@dataclass(slots=True)
class Releases:
    """The client of a group through time: (from when, user agent, benign cause), in order."""

    versions: list[tuple[int, str, str]]

    def at(self, second: int) -> tuple[str, str]:
        """User agent at `second`, and the benign cause while it is news."""
        since, agent, churn = self.versions[max(0, bisect_right(self.versions, second, key=lambda one: one[0]) - 1)]
        return agent, churn if second - since < _RELEASE_NEWS else ""


def rate_of(rng: np.random.Generator, median_per_day: float, sigma: float) -> float:
    """A principal's uses a day: log-normal, clipped to [0.5, 2000]."""
    return float(min(2000.0, max(0.5, median_per_day * math.exp(sigma * rng.standard_normal()))))
