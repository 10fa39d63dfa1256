"""RateTable: how often uses of a principal, and of its peer group, are benign returns to an earlier network.

Returns between clients that are known and returns of a strange one are counted apart: a NAT pool makes the first
common and says nothing about the second.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I64, U32, U64
from detector.state.table import Table

KNOWN, STRANGE = range(2)  # the clients of the two contexts of a return
_HALVED_AT: Final = 1 << 20


class RateTable(Table):
    """Counts by key of a principal or peer group. Frozen within an epoch; `learn` is called at its close."""

    layout: ClassVar = {"uses": (np.uint32, 0), "returns": (np.uint32, 2)}
    uses: U32
    returns: U32

    def learn(self, keys: U64, uses: I64, returns: I64) -> None:
        """Add counts (`returns` is int64[n, 2]) under distinct keys; halved when they grow large, so that they age."""
        slot, _ = self.admit(keys)
        total = self.uses[slot].astype(np.int64) + uses
        shift = (total >= _HALVED_AT).astype(np.int64)
        self.uses[slot] = total >> shift
        self.returns[slot] = (self.returns[slot].astype(np.int64) + returns) >> shift[:, None]

    def rate(self, keys: U64, kind: I64, prior: NDArray[np.float64], weight: int) -> NDArray[np.float64]:
        """Probability that a use is a return of `kind`: (returns + weight·prior) / (uses + weight), float64[n]."""
        slot = self.find(keys)
        known = slot >= 0
        uses = np.where(known, self.uses[slot], 0).astype(np.float64)
        returns = np.where(known, self.returns[slot, kind], 0).astype(np.float64)
        return (returns + weight * prior) / (uses + weight)

    def forget(self) -> I64:
        """Slots to give up at a close: the least used first."""
        if not self.is_full:
            return np.zeros(0, np.int64)
        return self.evict(self.uses[self.index.slots()])
