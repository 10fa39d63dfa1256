"""Intervals: how far a figure can be trusted."""

from __future__ import annotations

import math

import numpy as np

from detector.domain import I64

_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) of nothing."""
    if of == 0:
        return 0.0, 1.0
    share, spread = hits / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_total(per_principal: I64, seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """95 % interval of the sum of counts when principals are drawn anew (Poisson bootstrap).

    `per_principal` int64[p]: counts of the principals that have any. Of none at all, up to 3.7 could have been.
    """
    if not len(per_principal):
        return 0.0, 3.7
    rng = np.random.default_rng(seed)
    totals = rng.poisson(1.0, (draws, len(per_principal))) @ per_principal
    low, high = np.quantile(totals, (0.025, 0.975))
    return float(low), float(high)
