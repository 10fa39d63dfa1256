"""An action that a key has not been used for in ten days."""

from __future__ import annotations

from typing import ClassVar

from detector.training.baselines.base import F64, Baseline
from detector.training.terms import new_terms, terms_bytes
from detector.training.uses import Uses


class NewTermsAction(Baseline):
    """Every release, and every rare job, is news once."""

    name: ClassVar[str] = "new_terms_action"
    title: ClassVar[str] = "New term: key and action"
    source: ClassVar[str] = "Elastic detection rules: new-terms rules on identity and action (10 days)"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return new_terms(uses, uses.action)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return terms_bytes(uses, uses.action)
