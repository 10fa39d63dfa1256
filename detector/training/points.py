"""What a method says, as points: a principal, a moment, a score; and the incidents that a threshold makes of them.

A *point* stands for a use that raised the score of its principal (the detector: of its episode). At a threshold, an
incident is the points of one principal at or above it with no gap of a day: the unit of the alert contract, for every
method alike. It is false when it opened without a malicious use behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from detector.domain import I32, I64, Bool

DAY_SECONDS: Final = 86_400
BENIGN: Final = -1
# Budgets at which curves are drawn: false incidents per 10,000 active principals and day.
AXIS: Final = (0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1000.0)

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """Columns of equal length, sorted by (principal, second, order of arrival).

    `theft` is the theft whose malicious use stands behind the point: its own, one of the same principal shortly before,
    or one its episode had taken in; else `BENIGN`. `churn` is an index into the causes of the dataset (0 = none).
    Seconds since 1970.
    """

    principal: I64
    second: I64
    arrival: I64
    score: F64
    theft: I32
    churn: I32

    def __len__(self) -> int:
        return len(self.second)

    @classmethod
    def of(cls, principal: I64, second: I64, arrival: I64, score: F64, theft: I32, churn: I32) -> Self:
        """Sorted points; the columns come in order of arrival."""
        order = np.lexsort((np.arange(len(second)), second, principal))
        return cls(principal[order], second[order], arrival[order], score[order], theft[order], churn[order])

    @classmethod
    def concat(cls, parts: Sequence[Self], thefts: Sequence[int], principals: Sequence[int]) -> Self:
        """Points of several tenants; `thefts` and `principals` are how many each tenant has."""
        moved = []
        theft_base, principal_base = 0, 0
        for part, theft_count, principal_count in zip(parts, thefts, principals, strict=True):
            theft = np.where(part.theft >= 0, part.theft + theft_base, BENIGN).astype(np.int32)
            columns = {field.name: getattr(part, field.name) for field in fields(cls)}
            moved.append({**columns, "theft": theft, "principal": part.principal + principal_base})
            theft_base += theft_count
            principal_base += principal_count
        return cls(**{field.name: np.concatenate([one[field.name] for one in moved]) for field in fields(cls)})

    def at_least(self, threshold: float) -> Self:
        """The points at or above `threshold`."""
        return self.take(self.score >= threshold)

    def take(self, mask: Bool) -> Self:
        """The points where `mask`."""
        return type(self)(*(getattr(self, field.name)[mask] for field in fields(self)))

    def number(self) -> I64:
        """int64[n]: the incident each point belongs to, counted from 0."""
        if not len(self):
            return np.zeros(0, np.int64)
        opens = np.ones(len(self), np.bool_)
        opens[1:] = (np.diff(self.principal) != 0) | (np.diff(self.second) > DAY_SECONDS)
        return np.cumsum(opens) - 1

    def opening(self) -> Bool:
        """bool[n]: the point opens its incident."""
        number = self.number()
        return np.r_[True, np.diff(number) > 0] if len(number) else np.zeros(0, np.bool_)


def false_incidents(points: Points, threshold: float) -> int:
    """How many incidents open without a malicious use at `threshold`."""
    kept = points.at_least(threshold)
    return int((kept.opening() & (kept.theft == BENIGN)).sum())


def threshold_for(points: Points, most: float) -> float:
    """The lowest threshold with at most `most` false incidents; above every score when there is none."""
    scores = np.unique(points.score[points.theft == BENIGN])
    low, high = 0, len(scores)  # scores[high:] are known to be low enough; beyond the last one nothing benign is left
    while low < high:
        middle = (low + high) // 2
        if false_incidents(points, float(scores[middle])) <= most:
            high = middle
        else:
            low = middle + 1
    if low < len(scores):
        return float(scores[low])
    return float(np.nextafter(scores[-1], np.inf)) if len(scores) else 0.0
