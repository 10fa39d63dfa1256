"""ContextTable: up to four contexts of each holder (a credential or a single-holder session), with their intervals.

Contexts carry first and last use, because logs arrive late and shuffled: a use of A that is older than the first use
of B says nothing about a return from B to A.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Final

import numpy as np

from detector.domain import DAY, I8, I64, SECOND, U8, U32, U64
from detector.state.table import Table

SLOTS: Final = 4
_KEPT: Final = 2 * DAY // SECOND


class ContextTable(Table):
    """Holders by key. `current` is the context of the latest use, `filled` the number of contexts kept."""

    layout: ClassVar = {
        "context": (np.uint64, SLOTS),
        "address": (np.uint64, SLOTS),  # lexicon keys, for explanations
        "client": (np.uint64, SLOTS),
        "prefix": (np.uint32, SLOTS),  # low halves of hashes: they are compared, never looked up
        "family": (np.uint32, SLOTS),
        "delivery": (np.uint32, SLOTS),
        "first": (np.uint32, SLOTS),  # seconds
        "last": (np.uint32, SLOTS),
        "current": (np.int8, 0),
        "filled": (np.int8, 0),
        "suspect": (np.uint8, 0),  # bit k: context k contradicts what the credential is bound to
        "strange": (np.uint8, 0),  # bit k: client family and network were strange to the principal and its peers
    }
    context: U64
    address: U64
    client: U64
    prefix: U32
    family: U32
    delivery: U32
    first: U32
    last: U32
    current: I8
    filled: I8
    suspect: U8
    strange: U8

    def trust(self, keys: Collection[int]) -> None:
        """An analyst knows these holders' contexts: none of them contradicts or is strange any more."""
        slots = self.find(np.array(sorted(keys), np.uint64))
        self.suspect[slots[slots >= 0]] = 0
        self.strange[slots[slots >= 0]] = 0

    def idle(self, now: int) -> I64:
        """Slots that can go at a close: idle for two days as of `now` (seconds), then the longest idle over limit."""
        slots = self.index.slots() if self.is_full else self.index.unordered()
        last = self.last[slots].max(axis=1, initial=0).astype(np.int64)
        quiet = last + _KEPT < now
        if not self.is_full:
            found: I64 = slots[quiet]
            return found
        return np.union1d(slots[quiet], self.evict(last))
