"""The ground truth of one tenant, joined with its uses: what is malicious, and what only looked so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from detector.domain import I32, I64, SECOND, Bool
from detector.simulate.truth import Theft, Truth
from detector.training.decoded import Decoded
from detector.training.points import BENIGN, DAY_SECONDS, F64, Points
from detector.training.uses import Uses

_BEHIND: Final = 6 * 3600  # seconds; the window in which contexts of one holder are compared


@dataclass(frozen=True, slots=True)
class Ground:
    """Truth per use of `uses`: `theft` (index, or `BENIGN`), `churn` (index into `causes`), `arrival` (seconds).

    `behind` is the theft that an alert on the use can be about: its own, or that of a malicious use of the same
    principal up to six hours before. Two places at once are often seen when the owner comes back. `placebos` says how
    often chance alone would be credited.
    """

    uses: Uses
    thefts: tuple[Theft, ...]
    causes: tuple[str, ...]  # [0] is ""
    theft: I32
    behind: I32
    churn: I32
    arrival: I64
    row_of: dict[str, int]  # native id → row of its first arrival

    @classmethod
    def of(cls, decoded: Decoded, uses: Uses, truth: Truth) -> Self:
        """Join by native id."""
        malicious = truth.malicious
        causes = ("", *sorted(set(truth.churn.values())))
        index = {cause: at for at, cause in enumerate(causes)}
        row_of: dict[str, int] = {}
        for row, native_id in enumerate(uses.native_id):
            row_of.setdefault(native_id, row)
        seconds = (decoded.batch.append_time // SECOND).tolist()
        first = dict(zip(reversed(decoded.batch.native_id.tolist()), reversed(seconds), strict=True))
        theft = np.array([malicious.get(one, BENIGN) for one in uses.native_id], np.int32)
        return cls(
            uses,
            truth.thefts,
            causes,
            theft,
            _behind(uses, theft),
            np.array([index[truth.churn.get(one, "")] for one in uses.native_id], np.int32),
            np.array([first[one] for one in uses.native_id], np.int64),
            row_of,
        )

    @property
    def principals(self) -> int:
        """How many principals there are: codes are below this."""
        return int(self.uses.principal.max(initial=0)) + 1

    def principal_days(self) -> I64:
        """int64[d]: principal codes of the days on which a principal was benignly active, one entry a day."""
        benign = self.theft == BENIGN
        pairs = self.uses.principal[benign].astype(np.int64) << 32 | self.uses.day[benign]
        days: I64 = np.unique(pairs) >> 32
        return days

    def kinds(self) -> I32:
        """int32[principals]: the kind each principal used most recently."""
        found = np.zeros(self.principals, np.int32)
        found[self.uses.principal] = self.uses.kind
        return found

    def points(self, score: F64, rows: Bool | None = None) -> Points:
        """Points of a method that scores each use by itself: those above 0."""
        kept = score > 0 if rows is None else (score > 0) & rows
        return Points.of(
            self.uses.principal[kept].astype(np.int64),
            self.uses.second[kept],
            self.arrival[kept],
            score[kept],
            self.behind[kept],
            self.churn[kept],
        )

    def placebos(self) -> list[tuple[int, int, int]]:
        """(principal code, start, end) one week before each theft, as long as an alert counts: what chance finds."""
        found = []
        for theft in self.thefts:
            row = next((self.row_of[one] for one in theft.event_ids if one in self.row_of), None)
            if row is not None:
                start, end = (second - 7 * DAY_SECONDS for second in (theft.seconds[0], theft.seconds[-1]))
                found.append((int(self.uses.principal[row]), start, end + _BEHIND + 1))
        return found


def _behind(uses: Uses, theft: I32) -> I32:
    """int32[n]: the theft of the latest malicious use of the same principal within `_BEHIND`, else `BENIGN`."""
    key = uses.principal.astype(np.int64) << 40 | uses.second  # seconds since 1970 need 31 bits
    stolen = np.flatnonzero(theft != BENIGN)
    if not len(stolen):
        return theft
    stolen = stolen[np.argsort(key[stolen], kind="stable")]
    at = np.searchsorted(key[stolen], key, side="right") - 1
    latest = stolen[np.maximum(at, 0)]
    gap = key - key[latest]
    found: I32 = np.where((at >= 0) & (gap >= 0) & (gap <= _BEHIND), theft[latest], BENIGN).astype(np.int32)
    return np.where(theft != BENIGN, theft, found)
