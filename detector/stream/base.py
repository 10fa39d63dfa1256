"""What a stream of records and a writer of records promise, whatever carries them.

Files are read to their end in one process and need none of this (`stream/files.py`). Kafka and memory do: a broker
that can go away, partitions that move between the members of a group, positions that count only once stored.

The order that makes delivery effectively once is the caller's: `fetch` → process → `RecordWriter.write` returns →
`commit`. A crash between the last two repeats what was written, with the same ids, and loses nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from detector.decode import RawRecord


class Partition(NamedTuple):
    """One partition of a topic; as text `topic/number`, which is what its records call their `stream`."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Position(NamedTuple):
    """The next offset to read, and a note of the reader's that is stored beside it."""

    offset: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A partition as it was assigned: its earliest retained offset, the one its next record gets, what is stored."""

    earliest: int
    end: int
    committed: Position | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one `fetch` brought: records, or the partitions that this member owns from now on.

    `assignment` is set once after each start and each rebalance, and is all that the member owns; partitions that
    are not in it have gone to somebody else. No record flows before `RecordStream.seek` says from where.
    """

    records: Mapping[Partition, list[RawRecord]] = field(default_factory=dict)
    assignment: Mapping[Partition, Bounds] | None = None


class RecordStream(ABC):
    """A member of a consumer group over one or more topics; records come in order within each partition.

    `async with stream:` starts and closes it. Only one task may use a stream. A rebalance waits, for a bounded time,
    until the caller comes back to `fetch`: what it is working on can still be written and committed.
    """

    @abstractmethod
    async def start(self) -> None:
        """Connect and join.

        Raises StreamUnavailable (RETRY) when the broker does not answer, and ConfigError (STOP) when it refuses or a
        topic does not exist.
        """

    @abstractmethod
    async def fetch(self) -> Fetched:
        """What has arrived, oldest first within a partition; nothing when there is nothing yet.

        Waits a bounded, short time. Raises StreamUnavailable (RETRY) when the broker is gone; the next call joins
        again, and says the assignment anew. Raises ConfigError (STOP) when records were deleted before they were read.
        """

    @abstractmethod
    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Read these assigned partitions from these offsets on. Partitions that moved meanwhile are passed over."""

    @abstractmethod
    async def offset_at(self, partition: Partition, time: int) -> int:
        """Offset of the first record appended at or after `time` (microseconds); the end where there is none."""

    @property
    @abstractmethod
    def ends(self) -> Mapping[Partition, int]:
        """Per owned partition the offset its next record gets, as far as the last answer of the broker knew."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether everything that will ever arrive has been fetched; a stream that is never finished says False."""

    @abstractmethod
    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        """Store positions. Call it only once everything that earlier records caused is acknowledged.

        False when the partitions have moved to another member: nothing is stored, and that member repeats the rest.
        Raises StreamUnavailable (RETRY) when the broker does not answer, and InternalError (STOP) for a partition of
        a topic that this stream does not read.
        """

    @abstractmethod
    async def close(self) -> None:
        """Leave the group and let go of connections; commits nothing. May be called more than once."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record to write. Without a `partition` the `key` decides it; without a `value` it deletes its key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class RecordWriter(ABC):
    """Where records go. `async with writer:` starts and closes it. Only one task may write at a time."""

    @abstractmethod
    async def start(self) -> None:
        """Connect. Raises StreamUnavailable (RETRY) or ConfigError (STOP)."""

    @abstractmethod
    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises ConfigError when there is no such topic, else StreamUnavailable."""

    @abstractmethod
    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        """Write, in order within each partition, and return once every one is acknowledged.

        Raises StreamUnavailable (RETRY): of each partition some first part may have been written, never a later
        record without the earlier ones; writing all of them again is safe. Raises ConfigError (STOP) when the broker
        refuses for good.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections. May be called more than once."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
