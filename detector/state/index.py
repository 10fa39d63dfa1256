"""SlotIndex: 64-bit keys ↔ row numbers of a struct of arrays. Open addressing, all operations vectorised.

A slot is given in order of first appearance and kept until `release`; freed slots are reused in the order they were
freed. Which slot a key has is never part of a result: digests and closings go by key.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from detector.domain import I32, I64, U64, Bool

_EMPTY: Final = -1
_GONE: Final = -2
_SPREAD: Final = np.array(0x9E3779B97F4A7C15, np.uint64)
_NOWHERE: Final = np.array(-1)  # int64


class SlotIndex:
    """Keys of a table. `keys[slot]` is the key of a live slot; `live[slot]` tells whether it is one."""

    def __init__(self) -> None:
        self.keys: U64 = np.zeros(256, np.uint64)
        self.live = np.zeros(256, np.bool_)
        self._free: list[int] = []
        self._top = 0  # slots below this were given at least once
        self._bits = 10
        self._cells: I32 = np.full(1 << self._bits, _EMPTY, np.int32)
        self._used = 0  # cells that are not _EMPTY

    def __len__(self) -> int:
        return self._top - len(self._free)

    @property
    def capacity(self) -> int:
        """Slots that columns of the table must have room for."""
        return len(self.keys)

    def unordered(self) -> I64:
        """int64[len(self)]: live slots, in no order that a result may depend on."""
        return np.flatnonzero(self.live[: self._top])

    def slots(self) -> I64:
        """int64[len(self)]: live slots, sorted by key: the canonical order."""
        live = self.unordered()
        return live[np.argsort(self.keys[live], kind="stable")]

    def find(self, keys: U64) -> I64:
        """int64[n]: the slot of each key, -1 where there is none."""
        if not len(keys):
            return np.zeros(0, np.int64)
        cell = self._home(keys)
        found, on = self._look(cell, keys)
        pending = on.nonzero()[0]  # most keys are where they belong, or nowhere
        mask = len(self._cells) - 1
        while len(pending):
            cell[pending] = (cell[pending] + 1) & mask
            found[pending], on = self._look(cell[pending], keys[pending])
            pending = pending[on]
        return found

    def _look(self, cell: I64, keys: U64) -> tuple[I64, Bool]:
        """The slot of each key if it is in that cell, else -1; and whether it may be in a later one."""
        slot = self._cells[cell]
        hit = (self.keys[slot] == keys) & (slot >= 0)
        return np.where(hit, slot, _NOWHERE), hit != (slot != _EMPTY)

    def admit(self, keys: U64) -> tuple[I64, I64]:
        """Slots of all keys, and the slots that are new (each once, in order of first appearance)."""
        found = self.find(keys)
        missing = np.flatnonzero(found < 0)
        if not len(missing):
            return found, missing
        fresh, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        given = np.empty(len(fresh), np.int64)
        given[order] = self._allocate(len(fresh))
        self._reserve(len(fresh))
        self.keys[given] = fresh
        self.live[given] = True
        self._insert(given)
        found[missing] = given[inverse]
        return found, given[order]

    def release(self, slots: I64) -> None:
        """Forget live slots; they are reused in this order."""
        cell = self._home(self.keys[slots])
        pending = slots
        mask = len(self._cells) - 1
        while len(pending):
            hit = self._cells[cell] == pending
            self._cells[cell[hit]] = _GONE
            pending, cell = pending[~hit], (cell[~hit] + 1) & mask
        self.live[slots] = False
        self._free.extend(slots.tolist())

    def _home(self, keys: U64) -> I64:
        found: I64 = ((keys * _SPREAD) >> np.uint64(64 - self._bits)).view(np.int64)
        return found

    def _allocate(self, count: int) -> I64:
        reused = self._free[:count]
        del self._free[: len(reused)]
        fresh = range(self._top, self._top + count - len(reused))
        self._top += len(fresh)
        while self._top > len(self.keys):
            self.keys = np.concatenate([self.keys, np.zeros_like(self.keys)])
            self.live = np.concatenate([self.live, np.zeros_like(self.live)])
        return np.array([*reused, *fresh], np.int64)

    def _reserve(self, count: int) -> None:
        """Keep at least half of the cells empty, so that probes stay short."""
        if 2 * (self._used + count) <= len(self._cells):
            return
        while 4 * len(self) > 1 << self._bits:
            self._bits += 1
        self._cells = np.full(1 << self._bits, _EMPTY, np.int32)
        self._used = 0
        self._insert(np.flatnonzero(self.live[: self._top]))

    def _insert(self, slots: I64) -> None:
        pending, cell = slots, self._home(self.keys[slots])
        mask = len(self._cells) - 1
        while len(pending):
            free = self._cells[cell] < 0
            reclaimed = self._cells[cell] == _GONE
            self._cells[cell[free]] = pending[free]  # of several that want one cell, the last is kept
            won = free & (self._cells[cell] == pending)
            self._used += int(np.count_nonzero(won & ~reclaimed))
            pending, cell = pending[~won], (cell[~won] + 1) & mask
