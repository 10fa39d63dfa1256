"""What a stream of records and a writer of alerts promise, whatever carries them.

Files are read to their end in one process and need none of this (`stream/files.py`). Kafka and memory do: a broker
that can go away, partitions that are replayed at every start, alerts that count only once acknowledged.

The order that makes delivery effectively once is the caller's: `fetch` → process → `AlertWriter.write` returns →
`commit`. A crash between the last two repeats alerts with the same ids and loses none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from detector.decode import RawRecord


@dataclass(frozen=True, slots=True)
class OutgoingAlert:
    """One alert as a record: `key` decides the partition (the incident), `headers` carry the CloudEvents attributes."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class RecordStream(ABC):
    """Raw records of one or more partitions, in order within each partition.

    Every start replays from the earliest retained record: state is rebuilt by reading, and the committed position
    only says from where on alerts count. `async with stream:` starts and closes it. Only one task may use a stream.
    """

    @abstractmethod
    async def start(self) -> None:
        """Connect and find the first position of every partition.

        Raises StreamUnavailable (RETRY) when the broker does not answer, and ConfigError (STOP) when what was asked
        for does not exist: a topic, or a start position that is no longer retained.
        """

    @abstractmethod
    async def fetch(self) -> list[RawRecord]:
        """The records that have arrived, oldest first within a partition; an empty list when there are none yet.

        Waits a bounded, short time for the first one. Raises StreamUnavailable (RETRY) when the broker is gone.
        """

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether everything that will ever arrive has been fetched; a stream that is never finished says False."""

    @property
    def first(self) -> Mapping[int, int]:
        """Partition → offset at which reading starts; valid after `start`, without partitions that start at 0."""
        return {}

    @property
    @abstractmethod
    def committed(self) -> Mapping[int, int]:
        """Partition → next offset to read, as last committed; known after `start`; empty where nothing ever was."""

    @abstractmethod
    async def commit(self, next_offsets: Mapping[int, int]) -> None:
        """Store partition → next offset to read. Call it only once the alerts of all earlier records are acknowledged.

        Raises StreamUnavailable (RETRY) when the broker does not answer, and InternalError (STOP) when a partition
        is not one of this stream's or an offset goes backwards.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections; commits nothing. May be called more than once."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AlertWriter(ABC):
    """Where alerts go. `async with writer:` starts and closes it."""

    @abstractmethod
    async def start(self) -> None:
        """Connect. Raises StreamUnavailable (RETRY) or ConfigError (STOP)."""

    @abstractmethod
    async def write(self, lines: Sequence[OutgoingAlert]) -> None:
        """Write in order and return once every one is acknowledged.

        Raises StreamUnavailable (RETRY): some may have been written; writing all of them again is safe, for their
        ids do not change.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections. May be called more than once."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
