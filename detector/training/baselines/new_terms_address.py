"""An address that a key has not been used from for ten days."""

from __future__ import annotations

from typing import ClassVar

from detector.training.baselines.base import F64, Baseline
from detector.training.terms import new_terms, terms_bytes
from detector.training.uses import Uses


class NewTermsAddress(Baseline):
    """Every gateway, instance and runner is news once."""

    name: ClassVar[str] = "new_terms_address"
    title: ClassVar[str] = "New term: key and address"
    source: ClassVar[str] = "Elastic detection rules: long-term access key first seen from a source address (10 days)"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return new_terms(uses, uses.address)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return terms_bytes(uses, uses.address)
