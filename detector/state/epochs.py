"""Which rows count, how far time has come, and where epochs close.

Everything here is a function of the rows in order: not of how they were cut into batches, nor of any clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.domain import DAY, HOUR, I64, MINUTE, SECOND, Bool, Flag, UseBatch, hash_text
from detector.fingerprint.hashing import mix

LATENESS: Final = 10 * MINUTE
EPOCH_ROWS: Final = 4096
FURTHEST: Final = 6 * HOUR  # a raw partition may hold the others back by this much
AHEAD: Final = 5 * MINUTE  # an event time may run this far ahead of the broker's append time
SILENT: Final = 60 * SECOND  # of append time, after which a raw partition leaves the minimum
_WINDOW: Final = 65_536
_UNSET: Final = -(1 << 62)
_ABSENT: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds: how late a row may be, and how long an incident stays open without activity."""

    lateness: int = LATENESS
    inactivity: int = DAY


class Positions:
    """Drops re-sent rows: keeps the highest accepted (offset, row) of each raw partition."""

    def __init__(self) -> None:
        self._highest: dict[int, tuple[int, int]] = {}

    def fresh(self, batch: UseBatch) -> Bool:
        """Rows above everything accepted from their raw partition."""
        fresh = np.zeros(len(batch), np.bool_)
        for partition in np.unique(batch.raw_partition).tolist():
            rows = np.flatnonzero(batch.raw_partition == partition)
            before = self._highest.get(partition, (-1, 0))
            offset = np.concatenate([[before[0]], batch.raw_offset[rows]])
            row = np.concatenate([[before[1]], batch.row[rows]])
            place = _places(offset, row)
            fresh[rows] = place[1:] > np.maximum.accumulate(place)[:-1]
            top = int(place.argmax())
            self._highest[partition] = (int(offset[top]), int(row[top]))
        return fresh

    def digest(self) -> bytes:
        """Digest of the positions."""
        return hashlib.sha256(repr(sorted(self._highest.items())).encode()).digest()


def _places(offset: I64, row: I64) -> I64:
    """int64[n]: the place of each position (offset, row) among them; equal positions have equal places."""
    order = np.lexsort((row, offset))
    further = np.concatenate([[False], (np.diff(offset[order]) != 0) | (np.diff(row[order]) != 0)])
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(further)
    return place


class Redeliveries:
    """Recognises records that upstream delivered twice, by (source, native id, what was seen), in two windows."""

    def __init__(self) -> None:
        self._now: set[int] = set()
        self._before: set[int] = set()

    def fresh(self, batch: UseBatch) -> Bool:
        """Rows not seen in the last 65,536 to 131,072 accepted ones."""
        hashes = batch.strings.hashes
        key = np.array([hash_text(text) for text in batch.native_id], np.uint64)
        for column in (batch.source, batch.credential, batch.address, batch.action):
            key = mix(key, hashes[column])
        for number in (batch.time, batch.use_index, batch.activity):
            key = mix(key, number.astype(np.uint64))
        values = key.tolist()
        distinct = set(values)
        if len(distinct) == len(values) and self._now.isdisjoint(distinct) and self._before.isdisjoint(distinct):
            self._now |= distinct
            return np.ones(len(batch), np.bool_)
        fresh = np.zeros(len(batch), np.bool_)
        for at, value in enumerate(values):
            if value not in self._now and value not in self._before:
                self._now.add(value)
                fresh[at] = True
        return fresh

    def turn(self) -> None:
        """At a close: start a new window when the current one is full."""
        if len(self._now) >= _WINDOW:
            self._before, self._now = self._now, set()

    def digest(self) -> bytes:
        """Digest of both windows."""
        total = hashlib.sha256()
        for window in (self._now, self._before):
            total.update(np.sort(np.fromiter(window, np.uint64, len(window))).tobytes())
        return total.digest()


@dataclass(slots=True)
class _Clock:
    """One raw partition: its largest believed event time, and the append time of its last row (0: none)."""

    event: int
    append: int


class Watermark:
    """min over active raw partitions of their largest event time, less the lateness; it never goes back.

    One that is more than six hours behind another holds time back no further: a quiet topic whose last record told of
    last week would keep every incident open.

    Rows speak for their raw partition, and so do ticks: of one at its end, that time went on without records; of one
    that is behind, that it is still read and must be waited for.
    """

    def __init__(self, lateness: int = LATENESS) -> None:
        self._lateness = lateness
        self._clocks: dict[int, _Clock] = {}
        self.value = _UNSET

    def advance(self, batch: UseBatch) -> I64:
        """int64[n]: the watermark after each row (microseconds)."""
        if not len(batch):
            return np.zeros(0, np.int64)
        believed = np.where(batch.flags & Flag.TS_SUSPECT != 0, _UNSET, batch.time)
        capped = np.where(batch.append_time > 0, np.minimum(believed, batch.append_time + AHEAD), believed)
        newest = np.maximum.accumulate(np.concatenate([[self._newest_append()], batch.append_time]))[1:]
        lowest, highest = np.full(len(batch), _ABSENT), np.full(len(batch), _UNSET)
        for partition in sorted(set(self._clocks) | set(batch.raw_partition.tolist())):
            event = self._of_partition(partition, batch, capped, newest)
            lowest = np.minimum(lowest, event)
            highest = np.maximum(highest, np.where(event == _ABSENT, _UNSET, event))
        lowest = np.where(
            lowest == _ABSENT, _UNSET, np.maximum(lowest, np.maximum(highest, _UNSET + FURTHEST) - FURTHEST)
        )
        after = np.maximum.accumulate(
            np.maximum(np.maximum(lowest, _UNSET + self._lateness) - self._lateness, self.value)
        )
        self.value = int(after[-1])
        return after

    def _of_partition(self, partition: int, batch: UseBatch, capped: I64, newest: I64) -> I64:
        """Event time of one raw partition after each row; `_ABSENT` while it takes no part."""
        clock = self._clocks.get(partition, _Clock(_UNSET, 0))
        mine = batch.raw_partition == partition
        event = np.maximum.accumulate(np.concatenate([[clock.event], np.where(mine, capped, _UNSET)]))[1:]
        append = np.maximum.accumulate(np.concatenate([[clock.append], np.where(mine, batch.append_time, 0)]))[1:]
        self._clocks[partition] = _Clock(int(event[-1]), int(append[-1]))
        absent = (event == _UNSET) | ((append > 0) & (newest - append > SILENT))
        return np.where(absent, _ABSENT, event)

    def _newest_append(self) -> int:
        return max((clock.append for clock in self._clocks.values()), default=0)

    def digest(self) -> bytes:
        """Digest of the clocks."""
        clocks = sorted((partition, clock.event, clock.append) for partition, clock in self._clocks.items())
        return hashlib.sha256(repr((self.value, clocks)).encode()).digest()


class Epochs:
    """Cuts rows where an epoch closes: after 4,096 accepted rows, or when the watermark enters a new bucket.

    A bucket (microseconds) is as long as the lateness.
    """

    def __init__(self, rows: int = EPOCH_ROWS, bucket: int = LATENESS) -> None:
        self._limit = rows
        self._length = bucket
        self._rows = 0
        self._bucket: int | None = None
        self.closed = 0

    def cut(self, watermark: I64, counted: Bool) -> Iterator[tuple[slice, bool]]:
        """Slices of rows with these watermarks, in order, each with whether an epoch closes after it.

        Rows that are not `counted` (ticks) do not fill an epoch.
        """
        bucket = watermark // self._length
        start = 0
        before = self._bucket if self._bucket is not None else int(bucket[0]) if len(bucket) else 0
        # Ends of slices that enter a new bucket.
        moved = np.flatnonzero(np.diff(np.concatenate([[before], bucket]))) + 1
        never = len(watermark) + 1
        ends = iter([*moved.tolist(), never])
        end = next(ends)
        total = np.cumsum(counted)
        while start < len(watermark):
            done = int(total[start - 1]) if start else 0
            full = int(np.searchsorted(total, done + self._limit - self._rows)) + 1  # just behind the row that fills it
            stop = min(full, end, len(watermark))
            closes = stop in (full, end)
            if stop == end:
                end = next(ends)
            self._rows = 0 if closes else self._rows + int(total[stop - 1]) - done
            self._bucket = int(bucket[stop - 1])
            self.closed += closes
            yield slice(start, stop), closes
            start = stop

    def close(self) -> None:
        """An epoch closes here for another reason: somebody spoke."""
        self._rows = 0
        self.closed += 1

    def digest(self) -> bytes:
        """Digest of the place within the epoch."""
        return hashlib.sha256(repr((self._rows, self._bucket, self.closed)).encode()).digest()
