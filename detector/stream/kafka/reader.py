"""A topic read once, from its earliest retained record to its end as of now: outside any group, committing nothing.

What of aiokafka this path can meet, and why it does no harm here:

* `auto_offset_reset` skips data silently → it is `none`; the first position is our own `seek`.
* `getmany` that is cancelled breaks the fetcher → it is only called with `timeout_ms`.
* Markers of transactions and compaction leave no record at the end → the end is a position, never a record.
* A consumer can fall silent while records wait (#1037) → after `QUIET_SECONDS` without progress the reading fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors

from detector.decode import RawRecord
from detector.errors import ConfigError, StreamUnavailable
from detector.stream.base import Bounds, Partition
from detector.stream.kafka.connection import Connection, ended, raw_record
from detector.stream.kafka.producer import missing

QUIET_SECONDS: Final = 15.0
_WAIT_MILLISECONDS: Final = 200
_MOST_RECORDS: Final = 64  # of one step: records may have a megabyte each


class KafkaReader:
    """All of a topic: `async with KafkaReader(…) as reader`, then `async for partition, records in reader.read()`.

    `bounds` says, per partition, what is read: from `earliest` up to `end`, both as of the start. Every method raises
    StreamUnavailable or ConfigError.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self.bounds: Mapping[Partition, Bounds] = {}
        self._connection = connection
        self._topic = topic
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        count = (await self._connection.topics()).get(self._topic)
        if count is None:
            raise ConfigError(missing(self._topic, self._connection.bootstrap))
        try:
            await self._open([TopicPartition(self._topic, number) for number in range(count)])
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def read(self) -> AsyncIterator[tuple[Partition, list[RawRecord]]]:
        """Every record once; in order within each partition."""
        consumer = self._consumer
        left = {TopicPartition(*at): bounds.end for at, bounds in self.bounds.items() if bounds.earliest < bounds.end}
        heard = asyncio.get_running_loop().time()
        positions: dict[TopicPartition, int] = {}
        while left:
            try:
                found = await consumer.getmany(*left, timeout_ms=_WAIT_MILLISECONDS, max_records=_MOST_RECORDS)
                now = {at: await consumer.position(at) for at in left}
            except kafka_errors.KafkaError as exc:
                raise self._lost(exc) from exc
            for at, raws in found.items():
                if wanted := [raw for raw in raws if raw.offset < left[at]]:
                    yield Partition(at.topic, at.partition), [raw_record(at, raw) for raw in wanted]
            if now != positions:
                positions, heard = now, asyncio.get_running_loop().time()
            elif asyncio.get_running_loop().time() - heard > QUIET_SECONDS:
                rest = ", ".join(str(Partition(*at)) for at in left)
                raise StreamUnavailable(
                    f"kafka {self._connection.bootstrap}: expected the rest of {rest}, found nothing for "
                    f"{QUIET_SECONDS:.0f} s; try again"
                )
            for at in [at for at, end in left.items() if now[at] >= end]:
                consumer.pause(at)
                del left[at]

    async def _open(self, partitions: list[TopicPartition]) -> None:
        self._consumer = AIOKafkaConsumer(
            **self._connection.arguments(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            check_crcs=True,
        )
        await self._connection.start(self._consumer)
        self._consumer.assign(partitions)
        async with self._connection.answering("offsets"):
            earliest = await self._consumer.beginning_offsets(partitions)
            ends = await self._consumer.end_offsets(partitions)
        for at in partitions:
            self._consumer.seek(at, earliest[at])
        self.bounds = {Partition(at.topic, at.partition): Bounds(earliest[at], ends[at]) for at in partitions}

    def _lost(self, exc: kafka_errors.KafkaError) -> Exception:
        if isinstance(exc, kafka_errors.OffsetOutOfRangeError):
            return StreamUnavailable(
                f"kafka {self._connection.bootstrap}: expected the records of {self._topic} as of the start, found "
                "some deleted by retention while they were read; try again"
            )
        return self._connection.translated(exc, f"records of {self._topic}")

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None and not await ended(consumer.stop()):
            await ended(consumer._client.close())  # noqa: SLF001 - what `stop` left open when it failed
