"""Embeddings of principals and prefixes, whose product says how well a pair goes together."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD as Svd

from detector.domain import I32, I64
from detector.training.baselines.base import F64, Baseline, fitted_until
from detector.training.history import known, size
from detector.training.uses import Uses, dense

_DIMENSIONS: Final = 16


class TruncatedSVD(Baseline):
    """1 / (1 + exp(product)), fitted on the log-counts of the first seven days; a half where either side is new."""

    name: ClassVar[str] = "truncated_svd"
    title: ClassVar[str] = "Embeddings of principals and prefixes"
    source: ClassVar[str] = "after Amazon SageMaker IP Insights, with a truncated SVD for the neural network"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        fitted, score = fitted_until(uses), np.zeros(len(uses))
        principal, prefix = dense(uses.principal) - 1, dense(uses.prefix) - 1
        if fitted == len(uses) or not fitted:
            return score
        seen = known(uses.principal, uses.prefix)
        left, right = _embeddings(principal[:fitted][seen[:fitted]], prefix[:fitted][seen[:fitted]])
        rows = np.flatnonzero(seen[fitted:]) + fitted
        product = np.einsum("ij,ij->i", _row_of(left, principal[rows]), _row_of(right, prefix[rows]))
        score[rows] = 1.0 / (1.0 + np.exp(product))
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        fitted = fitted_until(uses)
        return (8 + 4 * _DIMENSIONS) * size(uses.principal[:fitted], uses.prefix[:fitted])


def _embeddings(principal: I32, prefix: I32) -> tuple[F64, F64]:
    """float64[principals, 16] and float64[prefixes, 16]; empty where there are too few to tell apart."""
    shape = (int(principal.max(initial=-1)) + 1, int(prefix.max(initial=-1)) + 1)
    dimensions = min(_DIMENSIONS, *(side - 1 for side in shape))
    if dimensions < 1:
        return np.zeros((0, 1)), np.zeros((0, 1))
    counts = np.zeros(shape, np.float32)
    np.add.at(counts, (principal, prefix), 1.0)
    svd = Svd(n_components=dimensions, random_state=0)
    left: NDArray[np.float64] = svd.fit_transform(np.log1p(counts)).astype(np.float64)
    return left, svd.components_.T.astype(np.float64)


def _row_of(embedding: F64, code: I32 | I64) -> F64:
    """float64[n, dimensions]: embeddings by code; zeros for codes that were not fitted."""
    with_unknown = np.vstack([embedding, np.zeros((1, embedding.shape[1]))])
    found: F64 = with_unknown[np.minimum(code, len(embedding))]
    return found
