"""`detector simulate run` and its sender against a real broker, read back by an independent client."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from detector.cli.simulate import command
from detector.errors import ConfigError
from detector.simulate import truth
from detector.simulate.arrivals import Record
from detector.simulate.export import Pace, send
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.producer import KafkaWriter
from tests.integration.broker import Cluster
from tests.integration.conftest import NewTopicFactory

pytestmark = pytest.mark.kafka

LOGS = ("cloudtrail", "kubernetes.t00-k8s-0", "kubernetes.t00-k8s-1", "use")
SMALL = ("--principals", "60", "--days", "8", "--thefts", "1")


def read(cluster: Cluster, topic: str) -> dict[int, list[bytes]]:
    """Everything in a topic, by partition, in order."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "reader", "enable.auto.commit": False})
    found: dict[int, list[bytes]] = {}
    try:
        for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)
            consumer.assign([TopicPartition(topic, number, 0)])
            values: list[bytes] = []
            deadline = time.monotonic() + 30
            while len(values) < end:
                assert time.monotonic() < deadline, f"{topic}/{number}: {len(values)} of {end} records"
                message = consumer.poll(1.0)
                if message is not None and message.error() is None:
                    values.append(message.value() or b"")
            found[number] = values
    finally:
        consumer.close()
    return found


def made(cluster: Cluster, name: str) -> str:
    """A topic of two partitions of exactly this name."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for future in admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)]).values():
        future.result(30)
    return name


def test_a_fleet_is_sent_topic_by_log_and_is_read_back_whole(broker: Cluster, tmp_path: Path) -> None:
    prefix = f"{uuid.uuid4().hex[:12]}."
    topics = {log: made(broker, prefix + log) for log in LOGS}
    arguments = [
        "run",
        "--to",
        f"kafka:{broker.bootstrap}",
        "--prefix",
        prefix,
        "--truth",
        str(tmp_path / "truth"),
        *SMALL,
    ]

    sent = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    files = ["run", "--to", f"files:{tmp_path / 'logs'}", *SMALL]
    CliRunner().invoke(command, files, catch_exceptions=False, standalone_mode=False)

    for log, topic in topics.items():
        written = (tmp_path / "logs" / "tenant-00" / f"{log}.ndjson").read_bytes().splitlines()
        found = read(broker, topic)
        assert len(found) == 2
        assert {number: written[number::2] for number in found} == found
    assert "records acknowledged" in sent.stderr
    assert truth.read([tmp_path / "truth" / "tenant-00.json"])[0].thefts


def test_whoever_stops_finds_exactly_what_was_acknowledged(broker: Cluster, new_topic: NewTopicFactory) -> None:
    topic = new_topic("use")
    records = [Record(topic, number, b"%d" % number) for number in range(5_000)]
    acknowledged = 0

    def note(count: int) -> None:
        nonlocal acknowledged
        acknowledged += count

    async def sending() -> int:
        async with KafkaWriter(Connection(broker.bootstrap)) as writer:
            return await send(
                records, writer, pace=Pace(rate=2_000), stopped=lambda: acknowledged >= 1_000, progress=note
            )

    sent = asyncio.run(sending())

    assert 1_000 <= sent == acknowledged < 5_000
    assert read(broker, topic) == {0: [b"%d" % number for number in range(sent)]}


def test_a_topic_that_is_missing_is_named(broker: Cluster) -> None:
    arguments = ["run", "--to", f"kafka:{broker.bootstrap}", "--prefix", "nowhere.", *SMALL]

    with pytest.raises(ConfigError, match=r"expected a topic 'nowhere\.\w+"):
        CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
