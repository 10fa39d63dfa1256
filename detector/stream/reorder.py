"""Uses of files into their one order: event time, native id, digest of the record, row in the record.

Files come in any order: one per region and hour, lines shuffled, copies. Within `capacity` rows the order that comes
out depends on the uses alone, so a shuffled copy gives the same alerts. Positions are given here, in that order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import DAY, I32, TEXT_COLUMNS, U64, Flag, StringTable, Texts, UseBatch

ROWS: Final = 4_096  # rows of one batch that comes out
_ABSURD_GAP: Final = 366 * DAY


class Reorder:
    """Holds up to `capacity` rows, then lets the older half go; `flush` lets everything go.

    Every batch that is pushed must use `strings`, which changes when it has more than `texts` entries: ask for it
    before each decode.
    """

    def __init__(self, capacity: int = 1_000_000, *, rows: int = ROWS, texts: int = 2_000_000) -> None:
        self.strings = StringTable()
        self._capacity = capacity
        self._rows = rows
        self._texts = texts
        self._held: list[UseBatch] = []
        self._count = 0
        self._sequence = 0

    def __len__(self) -> int:
        return self._count

    def push(self, batch: UseBatch) -> list[UseBatch]:
        """Take rows in; returns what leaves, in order and with positions: nothing until there are too many.

        Raises ValueError when the batch does not use `strings`.
        """
        if batch.strings is not self.strings:
            raise ValueError("a batch must be decoded with the table of the reorder buffer")
        self._held.append(batch)
        self._count += len(batch)
        return self._release(self._count // 2) if self._count > self._capacity else []

    def flush(self) -> list[UseBatch]:
        """Everything that is held, in order. A lone last use a year after all others is marked as suspect."""
        return self._release(self._count, last=True)

    def _release(self, count: int, *, last: bool = False) -> list[UseBatch]:
        """The first `count` rows in order, in slices with positions; the rest stays, sorted."""
        if not self._count:
            return []
        held = UseBatch.concat(self._held, self.strings)
        self._held = []  # let go before sorting: the peak is two copies, not three
        held = held.take(_order(held))
        if last:
            _mark_absurd(held)
        out = held.take(slice(0, count))
        out.raw_partition = np.zeros(count, np.int32)
        out.raw_offset = np.arange(self._sequence, self._sequence + count, dtype=np.int64)
        out.row = np.zeros(count, np.int32)
        self._sequence += count
        self._count -= count
        if self._count:
            rest = held.take(np.arange(count, len(held)))  # a copy, so that the released half can be freed
            self._held = [self._renewed(rest) if len(self.strings) > self._texts else rest]
        elif len(self.strings) > self._texts:
            self.strings = StringTable()
        return [out.take(slice(at, at + self._rows)) for at in range(0, count, self._rows)]

    def _renewed(self, held: UseBatch) -> UseBatch:
        """The same rows over a table that holds only their texts; it becomes `strings`."""
        old, self.strings = self.strings, StringTable()
        used = np.unique(np.concatenate([getattr(held, column) for column in TEXT_COLUMNS]))
        code = np.zeros(len(old), np.int32)
        code[used] = self.strings.codes([old[at] for at in used.tolist()])
        columns: dict[str, I32] = {column: code[getattr(held, column)] for column in TEXT_COLUMNS}
        return _with_texts(held, self.strings, columns)


def _with_texts(batch: UseBatch, strings: StringTable, columns: dict[str, I32]) -> UseBatch:
    renewed = batch.take(slice(None))
    renewed.strings = strings
    for column, codes in columns.items():
        setattr(renewed, column, codes)
    return renewed


def _order(batch: UseBatch) -> NDArray[np.intp]:
    """int[len(batch)]: the rows by event time, first 16 bytes of the native id, digest and row in the record."""
    first, second = _id_keys(batch.native_id)
    return np.lexsort((batch.use_index, batch.digest, second, first, batch.time))


def _id_keys(native_ids: Texts) -> tuple[U64, U64]:
    """Two uint64[len]: the first and second 8 bytes of each id, such that numbers compare like bytes."""
    joined = b"".join([text.encode("utf-8", "surrogatepass")[:16].ljust(16, b"\0") for text in native_ids])
    keys = np.frombuffer(joined, ">u8").astype(np.uint64).reshape(-1, 2)
    return keys[:, 0], keys[:, 1]


def _mark_absurd(batch: UseBatch) -> None:
    """Mark the last record of a sorted batch when it stands alone, more than a year after the one before."""
    same = (batch.time == batch.time[-1]) & (batch.digest == batch.digest[-1])
    alone = int(np.argmax(same))  # the first row of the last record, whose rows stand together
    if alone > 0 and same[alone:].all() and batch.time[-1] - batch.time[alone - 1] > _ABSURD_GAP:
        batch.flags[alone:] |= np.int32(Flag.TS_SUSPECT)
