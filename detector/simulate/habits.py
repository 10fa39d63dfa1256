"""What a workload does: when it calls, what it calls, and with which client, each through time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.simulate.call import Action
from detector.simulate.world import DAY, MINUTE, World

_BRANCHING = 0.3  # of uses that call for another one at once (a task, a page of results)
_REPEAT = 0.3  # of uses that repeat the operation before
_RELEASE_NEWS = 3 * DAY


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a principal calls: `per_day` at random, or every `period` seconds (0 = no fixed period)."""

    per_day: float
    amplitude: float = 0.0
    period: int = 0

    def seconds(self, world: World, start: int, end: int) -> list[int]:
        """Seconds of the uses in [start, end), in order."""
        if end <= start:
            return []
        if self.period:
            first = start + (-start) % self.period
            jitter = world.rng.integers(0, 20, max(0, (end - first + self.period - 1) // self.period)).tolist()
            ticks = [first + number * self.period + extra for number, extra in enumerate(jitter)]
            return [second for second in ticks if second < end]
        roots = world.arrivals(start, end, self.per_day * (1 - _BRANCHING), self.amplitude)
        if not roots:
            return roots
        more = world.rng.geometric(1 - _BRANCHING, len(roots)) - 1
        children = np.repeat(roots, more) + world.rng.integers(1, 2 * MINUTE, int(more.sum()))
        return sorted(roots + [second for second in children.tolist() if second < end])


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
        self.releases.append((second, action))

    def done(self, rng: np.random.Generator, seconds: Sequence[int]) -> list[Done]:
        """What is done at `seconds`, which are in order."""
        count = len(seconds)
        chosen = rng.choice(len(self.actions), count, p=self.weights).tolist()
        chance, second_chance = rng.random(count).tolist(), rng.random(count).tolist()
        found: list[Done] = []
        for at, second in enumerate(seconds):
            action, churn = self.actions[chosen[at]], ""
            if at and chance[at] < _REPEAT:
                action, churn = found[-1].action, found[-1].churn
            elif self.rare and chance[at] > 1 - self.rare_rate:
                action, churn = self.rare[int(second_chance[at] * len(self.rare))], "rare_action"
            elif released := [one for one in self.releases if one[0] <= second]:
                since, candidate = released[int(second_chance[at] * len(released))]
                if chance[at] > 0.85 - self.rare_rate:
                    action, churn = candidate, "release" if second - since < _RELEASE_NEWS else ""
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
