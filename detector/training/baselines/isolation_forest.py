"""An isolation forest over hashed one-hot values of a use."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from detector.domain import I64, Outcome
from detector.fingerprint.hashing import mix
from detector.training.baselines.base import F64, Baseline, fitted_until
from detector.training.uses import Uses, dense

_WIDTH: Final = 256  # columns that values are hashed into
_TREES: Final = 100
_MOST: Final = 100_000  # uses it is fitted on
_CHUNK: Final = 16_384  # uses made dense at a time
_NODE_BYTES: Final = 4 + 8 + 4 + 4  # feature, threshold, children; a tree of 256 samples has at most 511 nodes


class IsolationForest(Baseline):
    """Knows which values are rare together, not whose use it is. A column that was empty when it was fitted is ignored.

    The first seven days are for fitting, at most 100,000 of their uses, and score 0.
    """

    name: ClassVar[str] = "isolation_forest"
    title: ClassVar[str] = "Isolation forest"
    source: ClassVar[str] = "Liu, Ting and Zhou, ICDM 2008; one-hot by hashing, fitted on the first seven days"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        score = np.zeros(len(uses))
        fitted = fitted_until(uses)
        if fitted == len(uses):
            return score
        columns = _columns(uses)
        rows = np.arange(fitted)
        if fitted > _MOST:
            rows = np.sort(np.random.default_rng(0).choice(fitted, _MOST, replace=False))
        forest = Forest(n_estimators=_TREES, random_state=0).fit(_one_hot(columns[rows]))
        for start in range(fitted, len(uses), _CHUNK):
            part = columns[start : start + _CHUNK]
            score[start : start + len(part)] = -forest.score_samples(_one_hot(part))
        return score

    def state_bytes(self, uses: Uses) -> int:  # noqa: ARG002 - the forest is as large whatever it sees
        """See `Baseline.state_bytes`."""
        return _TREES * 511 * _NODE_BYTES


def _columns(uses: Uses) -> I64:
    """int64[n, 8]: the column that each value of a use is hashed into."""
    texts = (uses.provider, uses.prefix, uses.client, uses.action, uses.resource)
    hour = uses.second // 3600 % 24
    values = (*(dense(codes) for codes in texts), uses.kind, hour, uses.outcome == Outcome.DENIED)
    hashed = [mix(value.astype(np.uint64), salt) % np.uint64(_WIDTH) for salt, value in enumerate(values)]
    return np.stack(hashed, axis=1).astype(np.int64)


def _one_hot(columns: I64) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    made = np.zeros((len(columns), _WIDTH), np.float32)
    np.put_along_axis(made, columns, 1.0, axis=1)
    return made
