"""Topics in memory, under the same contract as a broker: for the demo, for embedding, for tests.

A `MemoryBroker` outlives the streams and writers that use it, and keeps what their groups committed. Each group has
one member, which owns every partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from detector.decode import RawRecord
from detector.domain import hash_text
from detector.errors import ConfigError, InternalError
from detector.stream.base import Bounds, Fetched, OutgoingRecord, Partition, Position, RecordStream, RecordWriter

_PATIENCE: Final = 0.1  # seconds `fetch` waits for a first record


class MemoryBroker:
    """Append-only topics. `clock` gives append times in microseconds; without it records have none, as in files."""

    def __init__(self, topics: Mapping[str, int], clock: Callable[[], int] = lambda: 0) -> None:
        self.logs: dict[Partition, list[RawRecord]] = {
            Partition(topic, number): [] for topic, count in topics.items() for number in range(count)
        }
        self.written: list[OutgoingRecord] = []
        self.committed: dict[tuple[str, Partition], Position] = {}
        self._sealed: set[str] = set()
        self._clock = clock
        self._changed = asyncio.Event()

    def count(self, topic: str) -> int:
        """Partitions of a topic. Raises ConfigError when there is no such topic."""
        found = sum(partition.topic == topic for partition in self.logs)
        if not found:
            raise ConfigError(f"memory broker: expected a topic that exists, found no topic {topic!r}")
        return found

    def append(self, partition: Partition, value: bytes, append_time: int | None = None) -> None:
        """Add a record at the end of a partition. Raises InternalError after the topic was sealed."""
        if partition.topic in self._sealed:
            raise InternalError(f"memory broker: expected no record of {partition} after it was sealed")
        log = self.logs[partition]
        time = self._clock() if append_time is None else append_time
        log.append(RawRecord(value, str(partition), len(log), partition.number, time))
        self._changed.set()

    def seal(self, topic: str) -> None:
        """Nothing more will come."""
        self._sealed.add(topic)
        self._changed.set()

    def is_sealed(self, topic: str) -> bool:
        """Whether nothing more will come."""
        return topic in self._sealed

    async def change(self) -> None:
        """Wait, for a bounded time, until something is added or sealed."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), _PATIENCE)
        except TimeoutError:
            return


class MemoryStream(RecordStream):
    """A `RecordStream` over topics of a `MemoryBroker`; `batch` is the most records of one `fetch`."""

    def __init__(self, broker: MemoryBroker, topics: Sequence[str], group: str, *, batch: int = 512) -> None:
        self._broker = broker
        self._topics = tuple(topics)
        self._group = group
        self._batch = batch
        self._owned: tuple[Partition, ...] = ()
        self._next: dict[Partition, int] = {}
        self._told = False

    async def start(self) -> None:
        """See `RecordStream.start`."""
        for topic in self._topics:
            self._broker.count(topic)
        self._owned = tuple(partition for partition in self._broker.logs if partition.topic in self._topics)
        self._next, self._told = {}, False

    async def fetch(self) -> Fetched:
        """See `RecordStream.fetch`."""
        if not self._told:
            self._told = True
            return Fetched(assignment={partition: self._bounds(partition) for partition in self._owned})
        found = self._take()
        if not found and not self.ended:
            await self._broker.change()
            found = self._take()
        return Fetched(found)

    def _bounds(self, partition: Partition) -> Bounds:
        committed = self._broker.committed.get((self._group, partition))
        return Bounds(0, len(self._broker.logs[partition]), committed)

    def _take(self) -> dict[Partition, list[RawRecord]]:
        """What is there, partition by partition, at most one batch."""
        found: dict[Partition, list[RawRecord]] = {}
        left = self._batch
        for partition, at in self._next.items():
            taken = self._broker.logs[partition][at : at + left]
            if taken:
                found[partition] = taken
                self._next[partition] = at + len(taken)
                left -= len(taken)
        return found

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """See `RecordStream.seek`."""
        self._next.update({partition: offset for partition, offset in offsets.items() if partition in self._owned})

    async def offset_at(self, partition: Partition, time: int) -> int:
        """See `RecordStream.offset_at`."""
        log = self._broker.logs[partition]
        return next((record.offset for record in log if record.append_time >= time), len(log))

    @property
    def ends(self) -> Mapping[Partition, int]:
        """See `RecordStream.ends`."""
        return {partition: len(self._broker.logs[partition]) for partition in self._owned}

    @property
    def ended(self) -> bool:
        """See `RecordStream.ended`: every topic is sealed and read."""
        sealed = all(self._broker.is_sealed(topic) for topic in self._topics)
        return sealed and self._told and all(self._next.get(at) == end for at, end in self.ends.items())

    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        """See `RecordStream.commit`."""
        for partition in positions:
            if partition not in self._owned:
                raise InternalError(f"memory stream: expected a partition of {self._topics}, found {partition}")
        self._broker.committed.update({(self._group, at): position for at, position in positions.items()})
        return True

    async def close(self) -> None:
        """See `RecordStream.close`; the topics stay."""


class MemoryWriter(RecordWriter):
    """A `RecordWriter` into topics of a `MemoryBroker`, acknowledged at once; the broker's `written` keeps them too."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def start(self) -> None:
        """See `RecordWriter.start`."""

    async def partitions(self, topic: str) -> int:
        """See `RecordWriter.partitions`."""
        return self._broker.count(topic)

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        """See `RecordWriter.write`."""
        for record in records:
            number = record.partition
            if number is None:
                key = (record.key or b"").decode("utf-8", "surrogateescape")
                number = hash_text(key) % self._broker.count(record.topic)
            self._broker.written.append(record)
            self._broker.append(Partition(record.topic, number), record.value or b"")

    async def close(self) -> None:
        """See `RecordWriter.close`."""
