"""Positions: what was read, what is delivered, and from where on alerts count.

A start reads from the earliest retained record to rebuild the state, and must stay silent until it passes the
positions that an earlier run committed: whatever it decides below them is already told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from detector.decode import RawRecord


class Positions:
    """Per raw partition the committed boundary of this start and the next offset to read. Pure.

    `committed`: next offsets an earlier run stored; `first`: where this one starts to read, 0 where nothing is said.
    """

    def __init__(self, committed: Mapping[int, int], first: Mapping[int, int] | None = None) -> None:
        self._boundary = dict(committed)
        self._next = dict(first or {})
        self._stored = {at: max(committed.get(at, 0), self._next.get(at, 0)) for at in {*committed, *self._next}}

    def silent(self, partition: int, offset: int) -> bool:
        """Whether what the record at `offset` decides was told by an earlier run."""
        return offset < self._boundary.get(partition, 0)

    @property
    def restored(self) -> bool:
        """Whether every partition is read up to where the earlier run had committed."""
        return all(self._next.get(partition, 0) >= offset for partition, offset in self._boundary.items())

    def delivered(self, records: Iterable[RawRecord]) -> None:
        """Everything that these records decided has been acknowledged."""
        for record in records:
            self._next[record.partition] = record.offset + 1

    def committable(self) -> dict[int, int]:
        """Next offset to read by partition, where that is beyond what is committed; a replay commits nothing."""
        return {at: offset for at, offset in self._next.items() if offset > self._stored.get(at, 0)}

    def committed(self, next_offsets: Mapping[int, int]) -> None:
        """These positions are stored."""
        self._stored.update(next_offsets)
