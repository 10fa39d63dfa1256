"""A network that a key has not been used from for ten days."""

from __future__ import annotations

from typing import ClassVar

from detector.training.baselines.base import F64, Baseline
from detector.training.terms import new_terms, terms_bytes
from detector.training.uses import Uses


class NewTermsProvider(Baseline):
    """Compares owners of addresses instead of addresses; needs a table of them."""

    name: ClassVar[str] = "new_terms_provider"
    title: ClassVar[str] = "New term: key and network"
    source: ClassVar[str] = "Elastic detection rules: service principal signs in from a new network (10 days)"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return new_terms(uses, uses.provider)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return terms_bytes(uses, uses.provider)
