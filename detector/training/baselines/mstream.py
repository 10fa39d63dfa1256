"""Bursts of records and of each of their values."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I32
from detector.training.baselines.base import F64, Baseline
from detector.training.bursts import COUNT_BYTES, bursts, ticks
from detector.training.history import known, pair, size
from detector.training.uses import Uses

_DECAY: Final = 0.6


class MStream(Baseline):
    """Sum of chi-squared over the whole record and over each of its known values; ticks of an hour."""

    name: ClassVar[str] = "mstream"
    title: ClassVar[str] = "Bursts of records (MStream)"
    source: ClassVar[str] = "Bhatia et al., WWW 2021, arXiv 2009.08451"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        tick = ticks(uses.second)
        score = bursts(pair(*_record(uses)), tick, _DECAY)
        for value in _record(uses):
            rows = np.flatnonzero(known(value))
            score[rows] += bursts(value[rows], tick[rows], _DECAY)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return COUNT_BYTES * size(pair(*_record(uses)), *_record(uses))


def _record(uses: Uses) -> tuple[I32, ...]:
    return uses.principal, uses.provider, uses.family, uses.action, uses.resource
