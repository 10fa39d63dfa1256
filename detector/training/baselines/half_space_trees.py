"""Half-space trees over what counting knows about a use."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np

from detector.domain import I32, Outcome
from detector.errors import ConfigError
from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, pair, size
from detector.training.uses import SECONDS_PER_DAY, Uses

_TREES: Final = 25
_HEIGHT: Final = 8
_NODES: Final = 511  # of a tree of that height
_WINDOW: Final = 250
_MANY: Final = 10_000  # a count that is scaled to 1
_FADE: Final = 0.9  # of the share of refusals, at each use
_NODE_BYTES: Final = 2 * 4  # the mass of the window before and of this one
_ENTRY_BYTES: Final = 8 + 4  # a 64-bit hash, a count


class HalfSpaceTrees(Baseline):
    """Scores, then learns, each use in turn. Slow, therefore given one tenant only."""

    name: ClassVar[str] = "half_space_trees"
    title: ClassVar[str] = "Half-space trees"
    source: ClassVar[str] = "Tan, Ting and Liu, IJCAI 2011; the implementation of river"
    natural: ClassVar[float | None] = None
    slow: ClassVar[bool] = True

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`. Raises ConfigError where river is not installed."""
        try:
            from river.anomaly import HalfSpaceTrees as Trees  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            raise ConfigError("half_space_trees: expected river, found none; install the extra `evaluate`") from error
        trees: Any = Trees(n_trees=_TREES, height=_HEIGHT, window_size=_WINDOW, seed=0)
        score = np.zeros(len(uses))
        for row, values in enumerate(_features(uses).tolist()):
            features = dict(enumerate(values))
            score[row] = trees.score_one(features)
            trees.learn_one(features)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        counts = size(uses.principal, *(pair(uses.principal, value) for value in _values(uses)))
        return _TREES * _NODES * _NODE_BYTES + _ENTRY_BYTES * counts


def _values(uses: Uses) -> tuple[I32, ...]:
    return uses.address, uses.prefix, uses.provider, uses.family, uses.action, uses.resource


def _features(uses: Uses) -> F64:
    """float64[n, 10] in [0, 1]: counts before the use, time since the last one, hour of the day, share of refusals."""
    counts = [History.of(pair(uses.principal, value)).count() for value in _values(uses)]
    columns = [np.log1p(np.minimum(count, _MANY)) / np.log1p(_MANY) for count in counts]
    previous = History.of(uses.principal).previous()
    gap = np.clip(uses.second - uses.second[previous], 0, 7 * SECONDS_PER_DAY)
    columns.append(np.where(previous < 0, 1.0, np.log1p(gap) / np.log1p(7 * SECONDS_PER_DAY)))
    angle = 2 * np.pi * (uses.second % SECONDS_PER_DAY) / SECONDS_PER_DAY
    columns += [(1 + np.sin(angle)) / 2, (1 + np.cos(angle)) / 2, _refusals(uses)]
    return np.stack(columns, axis=1)


def _refusals(uses: Uses) -> F64:
    """float64[n]: the fading share of refused uses of each principal, the use included."""
    share: dict[int, float] = {}
    found = np.zeros(len(uses))
    refused = (uses.outcome == Outcome.DENIED).tolist()
    for row, (principal, denied) in enumerate(zip(uses.principal.tolist(), refused, strict=True)):
        found[row] = share[principal] = _FADE * share.get(principal, 0.0) + (1 - _FADE) * denied
    return found
