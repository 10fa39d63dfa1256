"""One credential from several addresses of several networks within half an hour."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I64
from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, distinct, known, pair
from detector.training.uses import Uses

_WINDOW: Final = 30 * 60  # seconds
_ENTRY_BYTES: Final = 8 + 16 + 4  # a 64-bit hash of the credential, an address, its network


class MultiAddress(Baseline):
    """1 from the second address of a second network on; 2 if a second client came as well.

    Networks without a known owner do not count, so it needs a table of owners. A use is judged by the uses of its
    window that came before it: the first of two places is always silent.
    """

    name: ClassVar[str] = "multi_address"
    title: ClassVar[str] = "Several addresses within 30 minutes"
    source: ClassVar[str] = "Elastic detection rules: session token used from multiple addresses"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        rows = np.flatnonzero(known(uses.credential, uses.address))
        window = _window(uses, rows)
        several = (distinct(window, uses.address[rows]) >= 2) & (distinct(window, uses.provider[rows]) >= 2)
        score = np.zeros(len(uses))
        score[rows] = np.where(several, 1.0 + (distinct(window, uses.client[rows]) >= 2), 0.0)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """The fullest window's entries. See `Baseline.state_bytes`."""
        rows = np.flatnonzero(known(uses.credential, uses.address))
        window = uses.second[rows] // _WINDOW
        entry = History.of(pair(uses.credential[rows], uses.address[rows], window)).count() == 0
        return _ENTRY_BYTES * int(np.unique(window[entry], return_counts=True)[1].max(initial=0))


def _window(uses: Uses, rows: I64) -> I64:
    return pair(uses.credential[rows], uses.second[rows] // _WINDOW)
