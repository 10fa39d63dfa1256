"""What is measured, each as events per CPU second of one core, so that a busy machine disturbs the ratios little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from detector import sources
from detector.bundle import load_bundle
from detector.decode import Decoder, RawRecord
from detector.detections.base import load_detections
from detector.domain import SECOND, StringTable, UseBatch
from detector.pipeline import Configuration, Counts, Pipeline
from detector.registry import members
from detector.resources import bundle_dir
from detector.runtime.normalise import Block, Normalised, Normaliser, slices
from detector.runtime.reading import RawPartition
from detector.runtime.scan import open_scan
from detector.settings import Kafka, RawTopic, Settings, load_settings
from detector.simulate.world import START
from detector.sources.aws.wire import Answer, Record, UserIdentity
from detector.sources.base import Source
from detector.stream import blocks
from detector.stream.base import Partition
from detector.stream.kafka.consumer import MAX_RECORDS

BATCH = 4_096
USES = 8  # partitions of the topic of uses


class Whole(Record):
    """Every field we read, decoded at once: what the limit is measured with."""

    user_identity: UserIdentity | None = None  # type: ignore[assignment]
    response_elements: Answer | None = None  # type: ignore[assignment]


DECODER = msgspec.json.Decoder(Whole)


def rate(run: Callable[[], object], events: int) -> float:
    """Events per CPU second of one run."""
    started = time.process_time()
    run()
    return events / (time.process_time() - started)


def decode_only(records: Sequence[bytes]) -> None:
    """Typed decode of every record, nothing else."""
    decode = DECODER.decode
    for record in records:
        decode(record)


def scan(path: Path) -> None:
    """A file on disk to alerts: read, decode, normalise, reorder, detect."""
    for _ in open_scan(load_settings(None, {}), [str(path)]).steps():
        pass


def batches(records: Sequence[bytes]) -> list[UseBatch]:
    """Uses as detect receives them."""
    decoder = Decoder({name: source() for name, source in members(sources, Source).items()})
    raw = [RawRecord(record, "bench", at) for at, record in enumerate(records)]
    return [decoder.decode(raw[start : start + BATCH])[0] for start in range(0, len(raw), BATCH)]


def detect(uses: Sequence[UseBatch]) -> Counts:
    """Evidence, state and decisions for uses that are decoded already."""
    pipeline = Pipeline(load_bundle(bundle_dir("default")), Configuration.of(load_detections()))
    for batch in uses:
        pipeline.process(batch)
    return pipeline.counts


def fetched(records: Sequence[bytes]) -> list[RawRecord]:
    """The records as a consumer of a raw topic has them, appended when all had happened."""
    appended = (START + 2 * 86_400) * SECOND
    return [
        RawRecord(record, str(_RAW), offset, _RAW.number, appended + offset) for offset, record in enumerate(records)
    ]


def ingest(records: Sequence[RawRecord], uses: int) -> list[Block]:
    """Raw records into blocks for so many partitions of uses: all that ingest does between a fetch and a write."""
    normaliser = Normaliser(Settings(kafka=Kafka(raw={_RAW.topic: RawTopic()})), uses)
    partition, written = RawPartition(_RAW, 1, 0), list[Block]()
    for start in range(0, len(records), MAX_RECORDS):
        done = Normalised()
        for _, part in slices({_RAW: list(records[start : start + MAX_RECORDS])}):
            normaliser.decode(partition, part, done)
        written += normaliser.encode(done)
    return written


def detect_blocks(written: Sequence[Block]) -> Counts:
    """Blocks of one partition to alerts: all that detect does between a fetch and a write."""
    pipeline = Pipeline(load_bundle(bundle_dir("default")), Configuration.of(load_detections()))
    strings = StringTable()
    for _, block in written:
        pipeline.process(blocks.decode(block, strings))
    return pipeline.counts


def limit(bootstrap: str, records: Sequence[bytes]) -> Iterator[float]:
    """Events per CPU second of `getmany` and a typed decode; one number for each time it is asked."""
    asyncio.run(_fill(bootstrap, records))
    while True:
        yield asyncio.run(_consume(bootstrap, len(records)))


_RAW = Partition("raw", 0)
_TOPIC = TopicPartition("bench", 0)


async def _fill(bootstrap: str, records: Sequence[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC.topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 19)
    await producer.start()
    for record in records:
        last = await producer.send(_TOPIC.topic, record, partition=0)
    await producer.flush()
    await last
    await producer.stop()


async def _consume(bootstrap: str, count: int) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=4 << 20, fetch_max_wait_ms=50)
    await consumer.start()
    consumer.assign([_TOPIC])
    await consumer.seek_to_beginning(_TOPIC)
    decode, seen = DECODER.decode, 0
    started = time.process_time()
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).values():
            for record in records:
                decode(record.value)
            seen += len(records)
    spent = time.process_time() - started
    await consumer.stop()
    return count / spent
