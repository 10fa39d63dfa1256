"""The façade over a real broker: the contract of every stream, and what only Kafka can do; by an independent client."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pytest
from aiokafka import TopicPartition as Owned
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from detector.errors import ConfigError, StreamUnavailable
from detector.stream.base import OutgoingRecord, Partition, Position
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.consumer import KafkaStream
from detector.stream.kafka.producer import KafkaWriter
from detector.telemetry.events import Event, LagMeasured, Observer, Rebalanced
from tests.contracts.test_every_stream import CONTRACT, Carrier, fetch, joined, read_all
from tests.contracts.test_every_stream import values as values_of
from tests.integration.broker import Cluster
from tests.integration.conftest import NewTopicFactory, create_topic

pytestmark = pytest.mark.kafka
Result = TypeVar("Result")


def ignore(event: Event) -> None:
    """An observer of nothing."""


def produce(bootstrap: str, topic: str, values: list[bytes], partition: int = 0, codec: str = "none") -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "compression.type": codec})
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(30) == 0


def everything(bootstrap: str, topic: str) -> list[OutgoingRecord]:
    """All records of a topic with one partition, in order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[OutgoingRecord] = []
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
        while len(found) < end:
            message = consumer.poll(20)
            assert message is not None, f"expected {end} records in {topic}, found {len(found)}"
            assert message.error() is None
            headers = tuple(
                (name, value if isinstance(value, bytes) else str(value).encode())
                for name, value in dict(message.headers() or []).items()
            )
            found.append(OutgoingRecord(topic, message.value(), message.key(), headers))
    finally:
        consumer.close()
    return found


def delete_before(cluster: Cluster, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(30)


def stream_of(
    cluster: Cluster, *topics: str, group: str = "", observe: Observer = ignore, member: str = "", session: float = 6
) -> KafkaStream:
    connection = Connection(cluster.bootstrap)
    group = group or f"detector-{topics[0]}"
    return KafkaStream(connection, topics, group, observe, member=member, session_timeout_seconds=session)


def writer_of(cluster: Cluster) -> KafkaWriter:
    return KafkaWriter(Connection(cluster.bootstrap))


@dataclass
class KafkaCarrier:
    """See `Carrier`: topics and a group of its own."""

    cluster: Cluster
    raw: str
    alerts: str

    async def append(self, number: int, values: Sequence[bytes]) -> None:
        await asyncio.to_thread(produce, self.cluster.bootstrap, self.raw, list(values), number)

    def stream(self, *topics: str) -> KafkaStream:
        return stream_of(self.cluster, *(topics or (self.raw,)), group=f"detector-{self.raw}")

    def writer(self) -> KafkaWriter:
        return writer_of(self.cluster)

    async def written(self) -> list[OutgoingRecord]:
        return await asyncio.to_thread(everything, self.cluster.bootstrap, self.alerts)


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_it_keeps_the_promise(
    promise: Callable[[Carrier], Awaitable[None]], broker: Cluster, new_topic: NewTopicFactory
) -> None:
    await promise(KafkaCarrier(broker, new_topic("raw", partitions=2), new_topic("alerts")))


@dataclass
class Worker:
    """A member that reads on from what is stored, notes what it read, and stores how far it came."""

    stream: KafkaStream
    seen: list[tuple[Partition, int]] = field(default_factory=list)
    owned: set[Partition] = field(default_factory=set)
    assignments: int = 0
    errors: list[Exception] = field(default_factory=list)

    async def step(self) -> None:
        try:
            fetched = await self.stream.fetch()
            if fetched.assignment is not None:
                self.assignments += 1
                self.owned = set(fetched.assignment)
                self.stream.seek(
                    {at: b.committed.offset if b.committed else b.earliest for at, b in fetched.assignment.items()}
                )
            self.seen += [(at, record.offset) for at, records in fetched.records.items() for record in records]
            if fetched.records:
                await self.stream.commit({at: Position(r[-1].offset + 1) for at, r in fetched.records.items()})
        except StreamUnavailable as exc:
            self.errors.append(exc)

    async def until(self, reached: Callable[[], bool], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not reached():
                await self.step()


async def all_until(reached: Callable[[], bool], *workers: Worker, seconds: float = 40) -> None:
    """Let several members work side by side."""
    await asyncio.gather(*(worker.until(reached, seconds) for worker in workers))


async def test_members_that_join_and_leave_share_the_partitions_and_nothing_is_lost_or_doubled(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("raw", partitions=5)
    every = {Partition(topic, number) for number in range(5)}
    told: list[Event] = []
    one = Worker(stream_of(broker, topic, observe=told.append, member="one"))
    two, three = (Worker(stream_of(broker, topic, member=name)) for name in ("two", "three"))
    written = 0

    async def write() -> None:
        nonlocal written
        for number in range(5):
            await asyncio.to_thread(produce, broker.bootstrap, topic, [b"x"] * 20, number)
        written += 100

    def read() -> int:
        return sum(len(worker.seen) for worker in (one, two, three))

    async with one.stream:
        await write()
        await one.until(lambda: one.owned == every and read() == written)
        async with two.stream, three.stream:
            await all_until(lambda: sorted(len(w.owned) for w in (one, two, three)) == [1, 2, 2], one, two, three)
            assert one.owned | two.owned | three.owned == every
            before = {worker.stream: worker.owned for worker in (one, two, three)}
            await write()
            await all_until(lambda: read() == written, one, two, three)
        await one.until(lambda: one.owned == every)
        await write()
        await one.until(lambda: read() == written)
        again = Worker(stream_of(broker, topic, member="two"))
        third = Worker(stream_of(broker, topic, member="three"))
        async with again.stream, third.stream:  # names decide: each gets what its predecessor had
            await all_until(
                lambda: again.owned == before[two.stream] and third.owned == before[three.stream], one, again, third
            )
    seen = [place for worker in (one, two, three) for place in worker.seen]
    assert sorted(seen) == [(at, offset) for at in sorted(every) for offset in range(60)]
    assert not one.errors + two.errors + three.errors
    rebalances = [event for event in told if isinstance(event, Rebalanced)]
    assert rebalances[0].partitions == {topic: [0, 1, 2, 3, 4]}
    assert len(rebalances) == one.assignments


async def test_a_rebalance_waits_for_the_step_in_progress_and_honours_its_commit(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("raw", partitions=2)
    for number in range(2):
        produce(broker.bootstrap, topic, [b"x"] * 5, number)
    one, two = Worker(stream_of(broker, topic, session=3)), Worker(stream_of(broker, topic, session=3))
    async with one.stream, two.stream:
        found = await read_all(one.stream, 10)
        joining = asyncio.create_task(two.until(lambda: bool(two.owned)))
        await asyncio.sleep(3)  # longer than the heartbeat that tells of the rebalance
        assert not two.owned
        assert await one.stream.commit({at: Position(records[-1].offset + 1) for at, records in found.items()})
        assert not (await one.stream.fetch()).records
        await all_until(lambda: bool(one.owned and two.owned), one, two)
        await joining
        await asyncio.to_thread(produce, broker.bootstrap, topic, [b"y"], next(iter(two.owned)).number)
        await all_until(lambda: bool(two.seen), one, two)
    assert two.seen == [(next(iter(two.owned)), 5)]
    assert not one.seen


async def test_a_step_that_outlasts_the_patience_of_the_group_is_repeated_by_the_next_owner(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.membership.PATIENCE_SECONDS", 0.3)
    topic = new_topic("raw", partitions=2)
    for number in range(2):
        produce(broker.bootstrap, topic, [b"x"] * 5, number)
    one, two = Worker(stream_of(broker, topic, session=3)), Worker(stream_of(broker, topic, session=3))
    async with one.stream, two.stream:
        found = await read_all(one.stream, 10)
        await two.until(lambda: bool(two.owned) and len(two.seen) == 5)  # nobody waits for the first any more
        moved = next(iter(two.owned))
        assert not await one.stream.commit({moved: Position(found[moved][-1].offset + 1)})
        one.stream.seek(dict.fromkeys(found, 0))  # of what is no longer ours: without effect, and no error
        await one.until(lambda: bool(one.owned))
        assert one.owned == {*found} - two.owned


async def test_a_member_whose_loop_stood_still_is_put_out_and_comes_back(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"x"] * 5)
    worker = Worker(stream_of(broker, topic, session=1.5))
    async with worker.stream:
        found = await read_all(worker.stream, 5)
        time.sleep(4)  # noqa: ASYNC251 - the point: no heartbeat leaves this process
        stored = {at: Position(records[-1].offset + 1) for at, records in found.items()}
        assert not await worker.stream.commit(stored), "the group forgot us: nothing may be stored in nobody's name"
        await worker.until(lambda: len(worker.seen) == 5)
    assert worker.assignments == 1


async def test_a_member_that_fetched_nothing_for_too_long_comes_back_too(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.POLL_MILLISECONDS", 1000)
    monkeypatch.setattr("detector.stream.kafka.membership.PATIENCE_SECONDS", 0.3)
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"x"] * 5)
    one, two = Worker(stream_of(broker, topic, session=3)), Worker(stream_of(broker, topic, session=3))
    async with one.stream, two.stream:
        await one.until(lambda: len(one.seen) == 5)
        await two.until(lambda: bool(two.owned))  # the first left the group, alive as it is
        await asyncio.to_thread(produce, broker.bootstrap, topic, [b"y"])
        await two.until(lambda: bool(two.seen))
        await two.stream.close()
        one.owned = set()
        await one.until(lambda: bool(one.owned))
    assert (len(one.seen), len(two.seen)) == (5, 1)


async def test_a_member_without_a_partition_stays_and_takes_over(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    one, two = Worker(stream_of(broker, topic)), Worker(stream_of(broker, topic))
    async with one.stream, two.stream:
        await all_until(
            lambda: one.assignments > 0 and two.assignments > 0 and len(one.owned) + len(two.owned) == 1, one, two
        )
        owner, spare = (one, two) if one.owned else (two, one)
        assert not (await spare.stream.fetch()).records
        await owner.stream.close()
        await spare.until(lambda: bool(spare.owned))
        await asyncio.to_thread(produce, broker.bootstrap, topic, [b"x"])
        await spare.until(lambda: bool(spare.seen))


async def test_a_group_that_gives_no_partitions_is_reported_and_joined_anew(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.JOIN_SECONDS", 0.5)
    topic = new_topic("raw", partitions=2)
    one, two = Worker(stream_of(broker, topic)), Worker(stream_of(broker, topic))
    async with one.stream:
        await joined(one.stream)  # and then is busy: the group waits for it
        async with two.stream:
            refusal = rf"expected partitions of group detector-{topic}, found none in"
            with pytest.raises(StreamUnavailable, match=refusal):
                await joined(two.stream)
            monkeypatch.undo()
            await all_until(lambda: bool(one.owned and two.owned), one, two)


async def test_what_cannot_be_a_member_is_told_why(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    async with stream_of(broker, topic, session=0.2) as stream:
        with pytest.raises(ConfigError, match="InvalidSessionTimeout"):
            await joined(stream)
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": f"detector-{topic}"}
    other = Consumer({**settings, "partition.assignment.strategy": "range"})
    other.subscribe([topic])
    try:
        while not other.assignment():
            await asyncio.to_thread(other.poll, 0.1)
        async with stream_of(broker, topic) as stream:
            with pytest.raises(ConfigError, match="InconsistentGroupProtocol"):
                await joined(stream)
    finally:
        other.close()


async def test_partitions_that_are_added_are_assigned(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    worker = Worker(stream_of(broker, topic))
    async with worker.stream:
        await worker.until(lambda: len(worker.owned) == 1)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        for future in admin.create_partitions([NewPartitions(topic, 3)]).values():
            future.result(30)
        await consumer_of(worker.stream)._client.force_metadata_update()  # else within five minutes
        await worker.until(lambda: len(worker.owned) == 3)


async def test_a_fetch_that_is_cancelled_loses_nothing(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    worker = Worker(stream_of(broker, topic))
    async with worker.stream:
        await worker.until(lambda: bool(worker.owned))
        task = asyncio.create_task(worker.stream.fetch())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(produce, broker.bootstrap, topic, [b"x"] * 3)
        await worker.until(lambda: len(worker.seen) == 3)
    assert worker.seen == [(Partition(topic, 0), offset) for offset in range(3)]


async def test_lag_is_told_while_records_wait_and_falls_to_none(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.WATCH_SECONDS", 0.0)  # told at every fetch
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"x"] * 5000)
    told: list[Event] = []
    async with stream_of(broker, topic, observe=told.append) as stream:
        await read_all(stream, 5000)
    lags = [event.records[0] for event in told if isinstance(event, LagMeasured)]
    assert max(lags) == 904  # the first batch is 4,096 records
    assert lags[-1] == 0


async def test_markers_of_an_upstream_transaction_are_neither_records_nor_lag(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.WATCH_SECONDS", 0.0)
    monkeypatch.setattr("detector.stream.kafka.consumer.QUIET_LOOKS", 2)  # a rest taken for a stall would be an error
    topic = new_topic("raw")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"one")
    producer.commit_transaction(30)
    told: list[Event] = []
    async with stream_of(broker, topic, observe=told.append) as stream:
        found = await read_all(stream, 1)
        assert values_of(found[Partition(topic, 0)]) == [b"one"]
        for _ in range(8):
            assert not (await stream.fetch()).records
        assert stream.ends == {Partition(topic, 0): 2}
    assert isinstance(told[-1], LagMeasured)
    assert told[-1].records == {0: 0}


async def test_a_partition_that_falls_silent_while_others_flow_is_noticed(
    broker: Cluster, new_topic: NewTopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.WATCH_SECONDS", 0.0)
    monkeypatch.setattr("detector.stream.kafka.consumer.QUIET_LOOKS", 3)
    topic = new_topic("raw", partitions=2)
    worker = Worker(stream_of(broker, topic))
    async with worker.stream:
        await worker.until(lambda: len(worker.owned) == 2)
        consumer_of(worker.stream).pause(Owned(topic, 1))  # stands for a client that forgot it
        for number in range(2):
            await asyncio.to_thread(produce, broker.bootstrap, topic, [b"x"], number)
        await worker.until(lambda: len(worker.seen) == 2)
    assert sorted(worker.seen) == [(Partition(topic, 0), 0), (Partition(topic, 1), 0)]
    assert [str(exc).split("; ")[0] for exc in worker.errors] == [
        f"kafka {broker.bootstrap}: expected 1 records that wait in {topic}/1, found none in 3 looks"
    ]


async def test_records_deleted_before_they_were_read_are_a_refusal_and_no_jump(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"%d" % n for n in range(10)])
    async with stream_of(broker, topic) as stream:
        await joined(stream)
        delete_before(broker, topic, 4)
        stream.seek({Partition(topic, 0): 1})
        with pytest.raises(ConfigError, match=rf"{topic}/0: .*offset 1, .*earliest retained one is 4: 3 unread"):
            await fetch(stream, 1)
    async with stream_of(broker, topic) as stream:
        assert (await joined(stream))[Partition(topic, 0)].earliest == 4


async def test_a_position_behind_the_end_is_a_refusal_too(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"0"])
    async with stream_of(broker, topic) as stream:
        await joined(stream)
        stream.seek({Partition(topic, 0): 9})
        with pytest.raises(ConfigError, match="ends at 1: the topic was created anew or truncated"):
            await fetch(stream, 1)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_batches_are_read(codec: str, broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("raw")
    sent = [b"%d " % n * 50 for n in range(50)]
    produce(broker.bootstrap, topic, sent, codec=codec)
    async with stream_of(broker, topic) as stream:
        found = await read_all(stream, 50)
    assert values_of(found[Partition(topic, 0)]) == sent


async def test_a_corrupt_batch_is_reported_each_time_and_never_passed_over(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    if not broker.nodes:
        pytest.skip("the segment files of this broker are somebody else's")
    topic = new_topic("raw")
    produce(broker.bootstrap, topic, [b"whole"])
    produce(broker.bootstrap, topic, [b"to be broken"])
    segment = broker.nodes[0].directory / "data" / f"{topic}-0" / f"{0:020}.log"
    with segment.open("r+b") as file:
        file.seek(segment.read_bytes().index(b"to be broken"))
        file.write(b"TO")
    worker = Worker(stream_of(broker, topic))
    async with worker.stream:
        await worker.until(lambda: len(worker.errors) == 2)
        assert all("CorruptRecordException" in str(exc) for exc in worker.errors)
        assert not {offset for _, offset in worker.seen} - {0}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that was killed answers nothing: wait two seconds for it instead of ten."""
    monkeypatch.setattr("detector.stream.kafka.connection.REQUEST_MILLISECONDS", 2000)


async def test_three_brokers_lose_leader_and_coordinator_and_everything_goes_on(
    three_brokers: Cluster, impatient: None
) -> None:
    raw = create_topic(three_brokers, "raw", replication=3)
    alerts = create_topic(three_brokers, "alerts", replication=3)
    produce(three_brokers.bootstrap, raw, [b"before"])
    async with stream_of(three_brokers, raw) as stream, writer_of(three_brokers) as writer:
        worker = Worker(stream)
        await worker.until(lambda: len(worker.seen) == 1)
        await writer.write([OutgoingRecord(alerts, b"before", b"k")])
        for topic in (raw, "__consumer_offsets"):
            node = three_brokers.nodes[leader_of(three_brokers, topic) - 1]
            node.kill()
            await asyncio.to_thread(produce, three_brokers.bootstrap, raw, [topic.encode()])
            await worker.until(partial(came, worker, len(worker.seen) + 1), 90)
            await retried(lambda: writer.write([OutgoingRecord(alerts, b"after", b"k")]))
            await asyncio.to_thread(three_brokers.restart, node)
    found = await asyncio.to_thread(everything, three_brokers.bootstrap, alerts)
    assert [record.value for record in found] == [b"before", b"after", b"after"]
    assert sorted({offset for _, offset in worker.seen}) == [0, 1, 2]


def came(worker: Worker, count: int) -> bool:
    return len(worker.seen) >= count


def consumer_of(stream: KafkaStream) -> Any:
    """The client inside, to do to it what only a defect would do."""
    assert stream._membership is not None
    return stream._membership.consumer


def leader_of(cluster: Cluster, topic: str) -> int:
    found = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(topic, timeout=20)
    return int(found.topics[topic].partitions[0].leader)


async def test_of_a_write_that_fails_a_prefix_is_there_and_writing_again_leaves_no_gap(
    three_brokers: Cluster, impatient: None
) -> None:
    topic = create_topic(three_brokers, "uses", replication=3)
    records = [OutgoingRecord(topic, b"%d" % n + b" " * 2000, partition=0) for n in range(3000)]
    async with writer_of(three_brokers) as writer:
        await writer.write(records[:1])
        writing = asyncio.create_task(retried(lambda: writer.write(records)))
        await asyncio.sleep(0.05)
        three_brokers.nodes[leader_of(three_brokers, topic) - 1].kill()
        await writing
    highest = -1
    for record in await asyncio.to_thread(everything, three_brokers.bootstrap, topic):
        number = int(record.value or b"")
        assert number <= highest + 1, "a later record without the earlier one"
        highest = max(highest, number)
    assert highest == 2999


async def test_a_broker_that_went_away_is_reported_although_nothing_was_awaited(
    three_brokers: Cluster, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.stream.kafka.consumer.WATCH_SECONDS", 0.1)
    monkeypatch.setattr("detector.stream.kafka.consumer.QUIET_LOOKS", 3)
    topic = create_topic(three_brokers, "raw", replication=3)
    async with stream_of(three_brokers, topic) as stream:
        await read_all(stream, 0)
        for node in three_brokers.nodes:
            node.kill()
        with pytest.raises(StreamUnavailable):
            await fetch(stream, 1)


async def test_a_record_the_broker_will_never_take_stops_with_the_reason_and_does_not_poison_the_next(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("alerts", max_message_bytes="2000")
    async with writer_of(broker) as writer:
        with pytest.raises(ConfigError, match="MessageSizeTooLarge"):
            await writer.write([OutgoingRecord(topic, b"x" * 100_000, b"k")])
        with pytest.raises(ConfigError, match="at most 1000000 bytes, found 1000001"):
            await writer.write([OutgoingRecord(topic, b"x" * 1_000_001, b"k")])
        await writer.write([OutgoingRecord(topic, b"small", b"k")])
    assert [record.value for record in await asyncio.to_thread(everything, broker.bootstrap, topic)] == [b"small"]


async def test_many_partitions_are_written_side_by_side_each_in_order(
    broker: Cluster, new_topic: NewTopicFactory
) -> None:
    topic = new_topic("uses", partitions=8)
    records = [OutgoingRecord(topic, b"%05d" % n + b" " * 500, partition=n % 8) for n in range(8000)]
    async with writer_of(broker) as writer, stream_of(broker, topic) as stream:
        await writer.write(records)
        found = await read_all(stream, 8000)
    assert {at.number: [int(record.value) for record in rows] for at, rows in found.items()} == {
        number: list(range(number, 8000, 8)) for number in range(8)
    }


async def test_looking_for_a_missing_topic_does_not_create_it(broker: Cluster) -> None:
    name = f"missing-{uuid.uuid4().hex}"
    with pytest.raises(ConfigError, match=name):
        await stream_of(broker, name).start()
    async with writer_of(broker) as writer:
        with pytest.raises(ConfigError, match=name):
            await writer.write([OutgoingRecord(name, b"x")])
    assert name not in AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics


async def retried(call: Callable[[], Awaitable[Result]], seconds: float = 90) -> Result:
    """As the service does: a broker that is away is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except StreamUnavailable:
            if time.monotonic() > deadline:
                raise
