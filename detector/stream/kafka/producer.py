"""Writing to Kafka: idempotent, acknowledged by all in-sync replicas, one batch of a partition at a time.

Why of each partition only a prefix can have been written when `write` fails: the next batch of a partition is built
only after the one before it was acknowledged, and a batch is one unit to the broker. Sequence numbers alone would not
do: of a producer it does not know, a broker takes any first number, and so a second batch whose first was lost.

A failed producer is discarded, but its last request may still be on the way and land later, behind records that its
successor wrote again: a repeat, out of order. It is harmless to readers of `uses`, which drop rows at or below the
highest raw position they have seen, and to readers of `alerts`, which know a repeat by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from detector.errors import ConfigError
from detector.stream.base import OutgoingRecord, Partition, RecordWriter
from detector.stream.kafka.connection import Connection, ended

ACKNOWLEDGE_SECONDS: Final = 15.0
MAX_VALUE_BYTES: Final = 1_000_000  # with its key and headers below the default limit of a topic
MAX_REQUEST_BYTES: Final = 1_048_588
BATCH_BYTES: Final = 256 * 1024

_PARTITION_OF: Final = DefaultPartitioner()


class KafkaWriter(RecordWriter):
    """Any topic of a cluster. Without a partition, the key decides as in Kafka's own clients (murmur2)."""

    def __init__(self, connection: Connection, *, member: str = "") -> None:
        self._connection = connection
        self._client_id = member or "detector"
        self._producer: AIOKafkaProducer | None = None
        self._counts: dict[str, int] = {}

    async def start(self) -> None:
        """See `RecordWriter.start`."""
        self._counts = await self._connection.topics()
        await self._open()

    async def partitions(self, topic: str) -> int:
        """See `RecordWriter.partitions`."""
        self._counts = await self._connection.topics()
        return await self._count(topic)

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        """See `RecordWriter.write`; a value that is too large, or a right that is missing, is a ConfigError."""
        groups: dict[Partition, list[OutgoingRecord]] = {}
        for record in records:
            groups.setdefault(await self._place(record), []).append(record)
        if not groups:
            return
        producer = self._producer or await self._open()
        tasks = [asyncio.create_task(_write_partition(producer, at, group)) for at, group in groups.items()]
        try:
            async with self._connection.answering("records acknowledged", ACKNOWLEDGE_SECONDS):
                await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # every outcome is heard
            await self.close()  # only a new producer is known to be sound
            raise

    async def close(self) -> None:
        """See `RecordWriter.close`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _open(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._connection.arguments(self._client_id),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=BATCH_BYTES,
        )
        try:
            await self._connection.start(producer)
        except BaseException:
            await _stop(producer)
            raise
        self._producer = producer
        return producer

    async def _place(self, record: OutgoingRecord) -> Partition:
        size = len(record.value or b"")
        if size > MAX_VALUE_BYTES:
            raise ConfigError(
                f"kafka topic {record.topic}: expected a value of at most {MAX_VALUE_BYTES} bytes, found {size}; "
                "no broker with default limits takes it"
            )
        number = record.partition
        if number is None:
            number = _PARTITION_OF(record.key, range(await self._count(record.topic)), ())
        return Partition(record.topic, number)

    async def _count(self, topic: str) -> int:
        """Partitions of a topic, asked once: while we run, a key keeps its partition."""
        if topic not in self._counts:
            self._counts = await self._connection.topics()
        if topic not in self._counts:
            raise ConfigError(missing(topic, self._connection.bootstrap))
        return self._counts[topic]


def missing(topic: str, bootstrap: str) -> str:
    """What to say of a topic that is not there."""
    return (
        f"kafka {bootstrap}: expected a topic {topic!r} that exists and that we may see, found none; "
        "create it (`detector topics apply`), name another, or grant the right to describe it"
    )


async def _write_partition(producer: AIOKafkaProducer, at: Partition, records: Sequence[OutgoingRecord]) -> None:
    """Write records of one partition, each batch once the one before it is acknowledged."""
    for batch in _batches(producer, records):
        await (await producer.send_batch(batch, at.topic, partition=at.number))


def _batches(producer: AIOKafkaProducer, records: Sequence[OutgoingRecord]) -> Iterator[Any]:
    """Records packed in order; a batch takes its first record whatever its size."""
    batch = producer.create_batch()
    for record in records:
        while batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is None:
            yield batch
            batch = producer.create_batch()
    yield batch


async def _stop(producer: AIOKafkaProducer) -> None:
    """End a producer, whatever state it is in; what its own `stop` leaves alive is ended part by part."""
    if not await ended(producer.stop()):
        for part in (producer._sender, producer.client):  # noqa: SLF001 - what `stop` left
            await ended(part.close())
