"""How rarely a principal has shown the address, the client and the action of a use."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I32
from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, known, pair, size
from detector.training.uses import Uses

_SEEN: Final = 0.5  # added to the count of a value
_ALL: Final = 50.0  # added to the count of all: what a principal without history is worth
_ENTRY_BYTES: Final = 8 + 4  # a 64-bit hash, a count


class RareFrequency(Baseline):
    """Sum of -log((n + 0.5) / (N + 50)): the plain surprise, of one principal, with no idea of its peers."""

    name: ClassVar[str] = "rare_frequency"
    title: ClassVar[str] = "Rare values of a principal"
    source: ClassVar[str] = "the frequency profile of rare-value jobs in log analytics, over address, client and action"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        score = np.zeros(len(uses))
        total = History.of(uses.principal).count() + _ALL
        for value in _values(uses):
            seen = History.of(pair(uses.principal, value)).count() + _SEEN
            score += np.where(known(value), np.log(total / seen), 0.0)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return _ENTRY_BYTES * size(uses.principal, *(pair(uses.principal, value) for value in _values(uses)))


def _values(uses: Uses) -> tuple[I32, ...]:
    return uses.address, uses.client, uses.action
