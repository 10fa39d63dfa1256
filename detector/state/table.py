"""Table: a struct of arrays addressed by a `SlotIndex`, growing by doubling; the base of every state table."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detector.domain import I64, U64
from detector.state.index import SlotIndex


class Table:
    """Rows with a 64-bit key and columns of fixed integer type. Subclasses declare `layout`: name → (dtype, width).

    Width 0 is a plain column. `limit` is the number of rows kept at an epoch's close; inside an epoch a table may
    hold as many more as the epoch has rows.
    """

    layout: ClassVar[dict[str, tuple[type[np.generic], int]]]

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.index = SlotIndex()
        self._room = self.index.capacity  # rows that the columns have
        for name, (dtype, width) in self.layout.items():
            shape = (self.index.capacity, width) if width else self.index.capacity
            setattr(self, name, np.zeros(shape, dtype))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def is_full(self) -> bool:
        """Whether there are more rows than `limit`, so that some must go at the next close."""
        return len(self) > self.limit

    def find(self, keys: U64) -> I64:
        """int64[n]: the slot of each key, -1 where there is none."""
        return self.index.find(keys)

    def admit(self, keys: U64) -> tuple[I64, I64]:
        """Slots of all keys, and the new ones, whose columns are zero."""
        slots, fresh = self.index.admit(keys)
        self._grow()
        return slots, fresh

    def release(self, slots: I64) -> None:
        """Forget rows and clear their columns."""
        for name in self.layout:
            self.column(name)[slots] = 0
        self.index.release(slots)

    def evict(self, order: NDArray[Any]) -> I64:
        """Slots to give up so that at most 15/16 of `limit` stay: those with the lowest `order`, then key.

        `order` has one value for each slot of `self.index.slots()`. Empty while the table is within its limit.
        """
        surplus = len(self) - self.limit
        slots = self.index.slots()
        if surplus <= 0:
            return slots[:0]
        return slots[np.argsort(order, kind="stable")[: surplus + self.limit // 16]]

    def column(self, name: str) -> NDArray[Any]:
        """A column by name."""
        found: NDArray[Any] = getattr(self, name)
        return found

    def digest(self) -> bytes:
        """SHA-256 of keys and columns in key order: equal content gives an equal digest, whatever the slots."""
        slots = self.index.slots()
        total = hashlib.sha256(self.index.keys[slots].tobytes())
        for name in self.layout:
            total.update(self.column(name)[slots].tobytes())
        return total.digest()

    def _grow(self) -> None:
        if self._room == self.index.capacity:
            return
        for name in self.layout:
            column = self.column(name)
            extra = np.zeros((self.index.capacity - self._room, *column.shape[1:]), column.dtype)
            setattr(self, name, np.concatenate([column, extra]))
        self._room = self.index.capacity
