"""Bursts of edges from principals to prefixes and to actions."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.training.baselines.base import F64, Baseline
from detector.training.bursts import relational, relational_bytes
from detector.training.uses import Uses

_DECAY: Final = 0.5


class Midas(Baseline):
    """MIDAS-R: edges and their ends, with counts that fade from hour to hour."""

    name: ClassVar[str] = "midas"
    title: ClassVar[str] = "Bursts of edges (MIDAS-R)"
    source: ClassVar[str] = "Bhatia et al., AAAI 2020, arXiv 1911.04464"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return relational(uses, _DECAY)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return relational_bytes(uses)
