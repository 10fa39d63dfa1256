"""How much likelier a use is among everybody than for its principal, with back-off along the ladders of values only."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I32
from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, known, pair, size
from detector.training.uses import Uses

_STRENGTH: Final = 1.0  # uses that the level above is worth
_ENTRY_BYTES: Final = 8 + 4  # a 64-bit hash, a count


class Freeman(Baseline):
    """log P(x) / P(x | principal), summed over ladders; what speaks for the owner is 0.

    The published method knows addresses and user agents; the ladder of actions makes it see what the detector sees. It
    has no peer groups: what remains is what a second axis is worth.
    """

    name: ClassVar[str] = "freeman"
    title: ClassVar[str] = "Likelihood ratio, values back off"
    source: ClassVar[str] = "Freeman et al., NDSS 2016: Who Are You? A Statistical Approach"
    natural: ClassVar[float | None] = None

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        ratio = np.zeros(len(uses))
        for ladder in _ladders(uses):
            ratio += np.where(known(ladder[-1]), _log_ratio(uses.principal, ladder), 0.0)
        return np.maximum(ratio, 0.0)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        values = [value for ladder in _ladders(uses) for value in ladder]
        return _ENTRY_BYTES * size(uses.principal, *values, *(pair(uses.principal, value) for value in values))


def _ladders(uses: Uses) -> tuple[tuple[I32, ...], ...]:
    """From the coarsest level down; a value has one parent."""
    return (uses.provider, uses.prefix, uses.address), (uses.family, uses.client), (uses.service, uses.action)


def _log_ratio(principal: I32, ladder: tuple[I32, ...]) -> F64:
    """float64[n]: log of the ratio for the last level, from the counts of earlier uses.

    Everybody: the product of P(value | parent) = (n + 1/2) / (n of the parent + 1). The principal: at each level its
    own share, smoothed with what it and everybody together expect below the parent.
    """
    uses_of_principal = History.of(principal).count()
    parent = np.arange(len(principal), dtype=np.float64)  # of all uses there are as many as came before
    everybody, own = np.ones(len(principal)), np.ones(len(principal))
    for value in ladder:
        count = History.of(value).count()
        share = (count + 0.5) / (parent + 1.0)
        seen = History.of(pair(principal, value)).count()
        own = (seen + _STRENGTH * share * own) / (uses_of_principal + _STRENGTH)
        everybody *= share
        parent = count.astype(np.float64)
    return np.log(everybody / own)
