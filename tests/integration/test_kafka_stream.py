"""The façade over a real broker: the contract of every stream, and what only Kafka can do; by an independent client."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from detector.decode import RawRecord
from detector.errors import ConfigError, StreamUnavailable
from detector.stream.base import OutgoingAlert
from detector.stream.kafka import KafkaAlertWriter, KafkaStream
from detector.telemetry.events import Event, LagMeasured
from tests.contracts.test_every_stream import CONTRACT, Carrier
from tests.integration.broker import Cluster
from tests.integration.conftest import NewTopicFactory, create_topic

pytestmark = pytest.mark.kafka
Result = TypeVar("Result")


def produce(bootstrap: str, topic: str, values: list[bytes], partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(30) == 0


def everything(bootstrap: str, topic: str) -> list[OutgoingAlert]:
    """All records of a topic with one partition, in order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[OutgoingAlert] = []
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
        while len(found) < end:
            message = consumer.poll(20)
            assert message is not None, f"expected {end} records in {topic}, found {len(found)}"
            assert message.error() is None
            headers = dict(message.headers() or [])
            found.append(
                OutgoingAlert(
                    message.key() or b"",
                    message.value() or b"",
                    tuple(
                        (name, value if isinstance(value, bytes) else str(value).encode())
                        for name, value in headers.items()
                    ),
                )
            )
    finally:
        consumer.close()
    return found


async def fetch(stream: KafkaStream, count: int, seconds: float = 30) -> list[RawRecord]:
    records: list[RawRecord] = []
    deadline = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < deadline:
        records += await stream.fetch()
    return records


def stream_of(
    cluster: Cluster, topic: str, group: str = "detector", observe: Callable[[Event], None] = print
) -> KafkaStream:
    return KafkaStream(cluster.bootstrap, topic, f"{group}-{topic}", observe)


@dataclass
class KafkaCarrier:
    """See `Carrier`: a raw topic with two partitions, an alerts topic with one, and a group of their own."""

    cluster: Cluster
    raw: str
    alerts: str

    async def append(self, partition: int, values: Sequence[bytes]) -> None:
        await asyncio.to_thread(produce, self.cluster.bootstrap, self.raw, list(values), partition)

    def stream(self) -> KafkaStream:
        return stream_of(self.cluster, self.raw)

    def writer(self) -> KafkaAlertWriter:
        return KafkaAlertWriter(self.cluster.bootstrap, self.alerts)

    async def written(self) -> list[OutgoingAlert]:
        return await asyncio.to_thread(everything, self.cluster.bootstrap, self.alerts)


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_it_keeps_the_promise(
    promise: Callable[[Carrier], Awaitable[None]], broker: Cluster, new_topic: NewTopicFactory
) -> None:
    await promise(KafkaCarrier(broker, new_topic("raw", partitions=2), new_topic("alerts")))


async def test_records_arrive_as_bytes_with_their_place_and_time(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    before = time.time_ns() // 1000
    produce(broker.bootstrap, topic, [b"one", b"\xff\x00", b""])
    async with stream_of(broker, topic) as stream:
        records = await fetch(stream, 3)
    assert [(r.value, r.stream, r.offset, r.partition) for r in records] == [
        (b"one", f"{topic}/0", 0, 0),
        (b"\xff\x00", f"{topic}/0", 1, 0),
        (b"", f"{topic}/0", 2, 0),
    ]
    assert all(before - 1000 <= record.append_time <= before + 60_000_000 for record in records)


async def test_every_partition_is_read_in_its_own_order(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw", partitions=3)
    for partition in range(3):
        produce(broker.bootstrap, topic, [b"%d" % n for n in range(10)], partition)
    async with stream_of(broker, topic) as stream:
        assert stream.partitions == 3
        records = await fetch(stream, 30)
    for partition in range(3):
        assert [r.offset for r in records if r.partition == partition] == list(range(10))


async def test_lag_is_told_while_records_wait_and_falls_to_none(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.LAG_SECONDS", 0.0)  # told at every fetch
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"x"] * 5000)
    told: list[Event] = []
    async with stream_of(broker, topic, observe=told.append) as stream:
        await fetch(stream, 5000)
    lags = [event.records[0] for event in told if isinstance(event, LagMeasured)]
    assert max(lags) == 904  # the first batch is 4,096 records
    assert lags[-1] == 0


async def test_markers_of_an_upstream_transaction_are_neither_records_nor_lag(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.LAG_SECONDS", 0.0)
    monkeypatch.setattr("detector.stream.kafka.QUIET_SECONDS", 0.5)  # a rest taken for a stall would be an error
    topic = new_topic("raw")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"one")
    producer.commit_transaction(30)
    told: list[Event] = []
    async with stream_of(broker, topic, observe=told.append) as stream:
        assert [record.value for record in await fetch(stream, 1)] == [b"one"]
        for _ in range(8):
            assert await stream.fetch() == []
    assert isinstance(told[-1], LagMeasured)
    assert told[-1].records == {0: 0}


async def test_a_broker_that_went_away_is_reported_although_nothing_was_awaited(
    three_brokers: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.QUIET_SECONDS", 0.5)
    monkeypatch.setattr("detector.stream.kafka.ANSWER_SECONDS", 2.0)
    topic = create_topic(three_brokers, "raw", replication=3)
    async with stream_of(three_brokers, topic) as stream:
        assert await stream.fetch() == []
        for node in three_brokers.nodes:
            node.kill()
        with pytest.raises(StreamUnavailable):
            await fetch(stream, 1)


async def test_records_deleted_before_they_were_read_are_a_refusal_and_no_jump(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"%d" % n for n in range(10)])
    async with stream_of(broker, topic) as stream:
        await fetch(stream, 10)
        await stream.commit({0: 4})
    delete_before(broker, topic, 4)
    async with stream_of(broker, topic) as stream:
        assert (stream.first, stream.committed) == ({0: 4}, {0: 4})
        assert [record.offset for record in await fetch(stream, 6)] == [4, 5, 6, 7, 8, 9]
    delete_before(broker, topic, 7)
    with pytest.raises(ConfigError, match=r"offset 4 .*earliest retained one is 7: 3 unread records.*kafka\.group"):
        await stream_of(broker, topic).start()


async def test_a_topic_made_anew_under_the_same_name_is_refused(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"0", b"1", b"2"])
    async with stream_of(broker, topic) as stream:
        await stream.commit({0: 3})
        # A group of another topic's length stands for a topic that lost its records: the committed offset is beyond it.
        shorter = new_topic("raw")
        produce(broker.bootstrap, shorter, [b"0"])
        other = KafkaStream(broker.bootstrap, shorter, f"detector-{topic}", print)
        async with other:
            await other.commit({0: 9})
    with pytest.raises(ConfigError, match="created anew or truncated"):
        await KafkaStream(broker.bootstrap, shorter, f"detector-{topic}", print).start()


def delete_before(cluster: Cluster, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(30)


async def test_a_missing_topic_is_refused_and_not_created(broker: Cluster) -> None:
    name = f"missing-{uuid.uuid4().hex}"
    with pytest.raises(ConfigError, match=rf"kafka\.raw_topic: .*{name}"):
        await stream_of(broker, name).start()
    with pytest.raises(ConfigError, match=rf"kafka\.alerts_topic: .*{name}"):
        await KafkaAlertWriter(broker.bootstrap, name).start()
    assert name not in AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics


async def test_an_alert_the_broker_will_never_take_stops_with_the_reason(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    async with KafkaAlertWriter(broker.bootstrap, new_topic("alerts", max_message_bytes="2000")) as writer:
        with pytest.raises(ConfigError, match="MessageSizeTooLarge"):
            await writer.write([OutgoingAlert(b"k", b"x" * 100_000)])


async def test_a_refused_write_does_not_poison_the_next(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("alerts", max_message_bytes="2000")
    async with KafkaAlertWriter(broker.bootstrap, topic) as writer:
        with pytest.raises(ConfigError):
            await writer.write([OutgoingAlert(b"k", b"x" * 100_000)])
        await writer.write([OutgoingAlert(b"k", b"small")])
    assert [line.value for line in await asyncio.to_thread(everything, broker.bootstrap, topic)] == [b"small"]


async def test_three_brokers_lose_one_and_reading_and_writing_go_on(three_brokers: Cluster) -> None:
    raw = create_topic(three_brokers, "raw", replication=3)
    alerts = create_topic(three_brokers, "alerts", replication=3)
    produce(three_brokers.bootstrap, raw, [b"before"])
    async with stream_of(three_brokers, raw) as stream, KafkaAlertWriter(three_brokers.bootstrap, alerts) as writer:
        assert [record.value for record in await fetch(stream, 1)] == [b"before"]
        await writer.write([OutgoingAlert(b"k", b"before")])
        await stream.commit({0: 1})
        leader = AdminClient({"bootstrap.servers": three_brokers.bootstrap}).list_topics(raw, timeout=10)
        lost = leader.topics[raw].partitions[0].leader
        three_brokers.nodes[lost - 1].kill()
        await asyncio.to_thread(produce, three_brokers.bootstrap, raw, [b"after"])
        after = await retried(lambda: fetch(stream, 1))
        assert [record.value for record in after] == [b"after"]
        await retried(lambda: writer.write([OutgoingAlert(b"k", b"after")]))
        await retried(lambda: stream.commit({0: 2}))
        assert stream.committed == {0: 2}
    found = await asyncio.to_thread(everything, three_brokers.bootstrap, alerts)
    assert [line.value for line in found] == [b"before", b"after"]


async def retried(call: Callable[[], Awaitable[Result]], seconds: float = 90) -> Result:
    """As the service does: a broker that is away is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except StreamUnavailable:
            if time.monotonic() > deadline:
                raise
