"""Records and alerts in memory, under the same contract as a broker: for the demo, for embedding, for tests.

A `MemoryLog` is the broker's part: it outlives the streams that read it and keeps what they committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from detector.decode import RawRecord
from detector.errors import InternalError
from detector.stream.base import AlertWriter, OutgoingAlert, RecordStream

_PATIENCE: Final = 0.1  # seconds `fetch` waits for a first record


class MemoryLog:
    """Append-only partitions and the committed position of their one reader.

    A record keeps its own offset and partition; offsets must grow within a partition. `seal` says that nothing more
    will come.
    """

    def __init__(self, records: Iterable[RawRecord] = (), *, sealed: bool = False) -> None:
        self.partitions: dict[int, list[RawRecord]] = {}
        self.committed: dict[int, int] = {}
        self.sealed = False
        self._arrival = asyncio.Event()
        for record in records:
            self.append(record)
        if sealed:
            self.seal()

    def append(self, record: RawRecord) -> None:
        """Add a record at the end of its partition. Raises InternalError when its offset does not grow."""
        if self.sealed:
            raise InternalError("memory log: expected no record after it was sealed")
        partition = self.partitions.setdefault(record.partition, [])
        if partition and record.offset <= partition[-1].offset:
            raise InternalError(f"memory log: expected an offset above {partition[-1].offset}, found {record.offset}")
        partition.append(record)
        self._arrival.set()

    def seal(self) -> None:
        """Nothing more will come."""
        self.sealed = True
        self._arrival.set()

    async def arrival(self) -> None:
        """Wait, for a bounded time, until a record is added or the log is sealed."""
        self._arrival.clear()
        try:
            await asyncio.wait_for(self._arrival.wait(), _PATIENCE)
        except TimeoutError:
            return


class MemoryStream(RecordStream):
    """A `RecordStream` over a log, from its earliest record; or over records, which then are all there is."""

    def __init__(self, records: MemoryLog | Iterable[RawRecord], *, batch: int = 512) -> None:
        self._log = records if isinstance(records, MemoryLog) else MemoryLog(records, sealed=True)
        self._batch = batch
        self._next: dict[int, int] = {}  # partition → index of the next record to fetch
        self._first: dict[int, int] = {}

    async def start(self) -> None:
        """See `RecordStream.start`."""
        self._next = {}
        self._first = {number: records[0].offset for number, records in self._log.partitions.items()}

    async def fetch(self) -> list[RawRecord]:
        """See `RecordStream.fetch`."""
        found = self._take()
        if not found and not self.ended:
            await self._log.arrival()
            found = self._take()
        return found

    def _take(self) -> list[RawRecord]:
        """What is there, partition by partition, at most one batch."""
        found: list[RawRecord] = []
        for partition in sorted(self._log.partitions):
            at = self._next.get(partition, 0)
            taken = self._log.partitions[partition][at : at + self._batch - len(found)]
            self._next[partition] = at + len(taken)
            found += taken
        return found

    @property
    def ended(self) -> bool:
        """See `RecordStream.ended`."""
        fetched = all(self._next.get(number, 0) == len(records) for number, records in self._log.partitions.items())
        return self._log.sealed and fetched

    @property
    def first(self) -> Mapping[int, int]:
        """See `RecordStream.first`."""
        return self._first

    @property
    def committed(self) -> Mapping[int, int]:
        """See `RecordStream.committed`."""
        return dict(self._log.committed)

    async def commit(self, next_offsets: Mapping[int, int]) -> None:
        """See `RecordStream.commit`."""
        for partition, offset in next_offsets.items():
            if partition not in self._log.partitions:
                raise InternalError(f"memory stream: expected a partition of this stream, found {partition}")
            before = self._log.committed.get(partition, 0)
            if offset < before:
                raise InternalError(
                    f"memory stream: expected partition {partition} to commit {before} or more, found {offset}"
                )
        self._log.committed.update(next_offsets)

    async def close(self) -> None:
        """See `RecordStream.close`; the log stays."""


class MemoryWriter(AlertWriter):
    """An `AlertWriter` that keeps what it is given in `written`, acknowledged at once."""

    def __init__(self) -> None:
        self.written: list[OutgoingAlert] = []

    async def start(self) -> None:
        """See `AlertWriter.start`."""

    async def write(self, lines: Sequence[OutgoingAlert]) -> None:
        """See `AlertWriter.write`."""
        self.written.extend(lines)

    async def close(self) -> None:
        """See `AlertWriter.close`."""
