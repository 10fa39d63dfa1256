"""Bursts of edges from principals to prefixes and to actions, which do not become normal by lasting."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.training.baselines.base import F64, Baseline
from detector.training.bursts import COUNT_BYTES, relational, relational_bytes
from detector.training.uses import Uses

_DECAY: Final = 0.5
_MERGE_BELOW: Final = 1000.0  # as in the authors' implementation
_SCORE_BYTES: Final = 4


class MidasFiltered(Baseline):
    """MIDAS-F: an hour is added to what is normal only where it scored low. An edge without a past scores 0."""

    name: ClassVar[str] = "midas_filtered"
    title: ClassVar[str] = "Bursts of edges, filtered (MIDAS-F)"
    source: ClassVar[str] = "Bhatia et al., TKDD 2022, arXiv 2009.08452"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return relational(uses, _DECAY, _MERGE_BELOW)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return relational_bytes(uses, COUNT_BYTES + _SCORE_BYTES)
