"""`detector topics` and `detector feedback` against a real broker, seen by an independent client."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from detector.cli import feedback, topics
from detector.control import Feedback, decode
from detector.errors import BlockError, ConfigError
from detector.fingerprint.hashing import short_id
from detector.stream.block_files import BlockFile
from detector.stream.blocks import encode
from detector.stream.kafka.admin import KafkaAdmin
from detector.stream.kafka.connection import Connection
from tests.integration.broker import Cluster
from tests.rows import batch_of, row

pytestmark = pytest.mark.kafka


@dataclass
class Place:
    """Settings whose topics nobody else uses, and what the broker says about them."""

    cluster: Cluster
    folder: Path
    unique: str

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap, "log_level": 0})  # its futures need it
        ours = ", ".join(f"{key}: {self.topic(key)}" for key in ("uses", "alerts", "control", "dead_letters"))
        (self.folder / "c.yaml").write_text(
            f"kafka: {{bootstrap: '{self.cluster.bootstrap}', {ours}, raw: {{{self.topic('raw')}: {{}}}}}}\n"
        )

    def topic(self, key: str) -> str:
        return f"{key}-{self.unique}"

    def run(self, *arguments: str) -> Result:
        group = feedback.command if arguments[0] in {"confirm", "benign"} else topics.command
        options = ["--config", str(self.folder / "c.yaml")]
        return CliRunner().invoke(group, [*arguments, *options], catch_exceptions=False, standalone_mode=False)

    def data(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments).stdout)
        return found

    def partitions(self, key: str) -> int:
        found = self.admin.list_topics(timeout=20).topics.get(self.topic(key))
        return len(found.partitions) if found else 0

    def config(self, key: str) -> dict[str, str]:
        resource = ConfigResource(ResourceType.TOPIC, self.topic(key))
        (future,) = self.admin.describe_configs([resource]).values()
        return {name: entry.value for name, entry in future.result(30).items()}

    def make(self, key: str, partitions: int = 1, **config: str) -> None:
        """Make a topic as somebody else would; `_` for `.` in names of settings."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        topic = NewTopic(self.topic(key), num_partitions=partitions, replication_factor=1, config=settings)
        for future in self.admin.create_topics([topic]).values():
            future.result(30)

    def set(self, key: str, **config: str) -> None:
        """Set on a topic what somebody else would."""
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, self.topic(key), incremental_configs=entries)
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def produce(self, key: str, partition: int, *values: bytes) -> None:
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap, "acks": "all"})
        for value in values:
            producer.produce(self.topic(key), value, partition=partition)
        assert producer.flush(30) == 0


@pytest.fixture
def place(broker: Cluster, tmp_path: Path) -> Place:
    return Place(broker, tmp_path, uuid.uuid4().hex[:12])


def changes(differences: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(found["topic"].rpartition("-")[0], found["what"], found["action"]) for found in differences]


def test_a_plan_is_applied_once_and_then_all_is_as_wanted(place: Place) -> None:
    place.make("raw", message_timestamp_type="LogAppendTime")
    created = [(key, "topic", "create") for key in ("uses", "alerts", "control", "dead_letters")]

    plan = place.data("plan", "--partitions", "3")
    assert changes(plan["differences"]) == created
    assert [topic["partitions"] for topic in plan["topics"]] == [3, 1, 1, 1]
    assert len(plan["acls"]) == len(plan["rights"]) > 10
    assert place.partitions("uses") == 0, "a plan changes nothing"
    assert place.run("check").return_value == 4

    done = place.run("apply", "--partitions", "3")
    assert done.return_value == 0
    assert changes(json.loads(done.stdout)["done"]) == created
    assert place.partitions("uses") == 3
    assert place.config("control")["cleanup.policy"] == "compact"
    assert place.config("uses")["message.timestamp.type"] == "LogAppendTime"
    assert place.config("uses")["retention.ms"] == str(14 * 24 * 3600 * 1000)

    again = place.run("apply")
    assert again.return_value == 0
    assert json.loads(again.stdout) == {"done": [], "left": []}
    checked = place.run("check")
    assert checked.return_value == 0
    assert json.loads(checked.stdout) == {"ok": True, "differences": []}


def test_settings_that_differ_are_set_and_all_others_stay(place: Place) -> None:
    place.make("raw", message_timestamp_type="LogAppendTime")
    place.run("apply", "--partitions", "2")
    before = place.config("alerts")
    place.set("alerts", cleanup_policy="compact", retention_ms="-1", segment_ms="12345678")

    done = place.run("apply")

    assert done.return_value == 0
    (difference,) = json.loads(done.stdout)["done"]
    assert (difference["what"], difference["found"], difference["expected"]) == ("cleanup.policy", "compact", "delete")
    after = place.config("alerts")
    assert after["segment.ms"] == "12345678", "set by somebody else, and not ours to touch"
    assert after["retention.ms"] == "-1"
    assert after | {"segment.ms": before["segment.ms"], "retention.ms": before["retention.ms"]} == before


def test_partitions_are_never_added_to_uses(place: Place) -> None:
    place.make("raw", message_timestamp_type="LogAppendTime")
    place.run("apply", "--partitions", "2")

    refused = place.run("apply", "--partitions", "4")

    assert refused.return_value == 4
    (left,) = json.loads(refused.stdout)["left"]
    assert (left["what"], left["found"], left["expected"], left["action"]) == ("partitions", "2", "4", "refused")
    assert "a realm stays in the partition where it was learnt" in left["reason"]
    assert place.partitions("uses") == 2


def test_raw_topics_are_neither_made_nor_changed(place: Place) -> None:
    missing = place.run("apply", "--partitions", "1")
    assert missing.return_value == 4
    assert changes(json.loads(missing.stdout)["left"]) == [("raw", "topic", "refused")]
    assert place.partitions("raw") == 0

    place.make("raw", message_timestamp_type="CreateTime", retention_ms="3600000")
    warned = place.run("check")
    assert warned.return_value == 0
    assert changes(json.loads(warned.stdout)["differences"]) == [
        ("raw", "message.timestamp.type", "warning"),
        ("raw", "retention.ms", "warning"),
    ]
    place.run("apply")
    assert place.config("raw")["message.timestamp.type"] == "CreateTime"


def test_what_the_cluster_cannot_hold_is_refused_in_its_own_words(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"expected topic uses-.* made, found .*replication"):
        place.run("apply", "--replication", "16")


async def test_topics_that_are_not_there_are_looked_for_without_making_them(place: Place) -> None:
    async with KafkaAdmin(Connection(place.cluster.bootstrap)) as admin:
        assert await admin.brokers() >= 1
        assert await admin.describe({place.topic("uses")}) == {}
    assert place.partitions("uses") == 0


def test_a_dump_holds_every_retained_block_of_every_partition(place: Place, tmp_path: Path) -> None:
    place.make("uses", partitions=3)
    blocks = [encode(batch_of(*[row(at) for at in range(size)]))[0] for size in (1, 2, 3, 4)]
    place.produce("uses", 0, blocks[0], blocks[1], blocks[2])
    place.produce("uses", 2, blocks[3])
    for future in place.admin.delete_records([TopicPartition(place.topic("uses"), 0, 1)]).values():
        future.result(30)
    folder = tmp_path / "dump"

    said = place.run("dump", "uses", "--out", str(folder)).stderr

    assert (folder / "uses-0.blocks").read_bytes() == blocks[1] + blocks[2], "the first is not retained"
    assert (folder / "uses-1.blocks").read_bytes() == b""
    assert [len(batch) for batch in BlockFile(str(folder / "uses-2.blocks")).batches(100)] == [4]
    assert "uses-2.blocks: 1 blocks" in said
    assert sorted(path.name for path in folder.iterdir()) == ["uses-0.blocks", "uses-1.blocks", "uses-2.blocks"]


def test_a_dump_is_of_the_moment_it_began_and_reads_past_what_is_no_record(place: Place, tmp_path: Path) -> None:
    place.make("uses")
    block = encode(batch_of(row()))[0]
    settings = {"bootstrap.servers": place.cluster.bootstrap, "transactional.id": place.unique, "log_level": 0}
    producer = Producer(settings)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(place.topic("uses"), block)
    producer.commit_transaction(30)  # leaves a marker: the last offset is no record

    place.run("dump", "uses", "--out", str(tmp_path / "dump"))

    assert (tmp_path / "dump" / "uses-0.blocks").read_bytes() == block


def test_a_topic_with_something_else_in_it_is_not_dumped(place: Place, tmp_path: Path) -> None:
    place.make("uses")
    place.produce("uses", 0, encode(batch_of(row()))[0], b"what somebody else writes, long enough for a header")

    with pytest.raises(BlockError, match=rf"{place.topic('uses')}/0 offset 1: expected a block"):
        place.run("dump", "uses", "--out", str(tmp_path / "dump"))

    assert list((tmp_path / "dump").iterdir()) == []


def test_a_topic_that_is_not_there_cannot_be_dumped(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=place.topic("uses")):
        place.run("dump", "uses", "--out", str(tmp_path / "dump"))


def test_feedback_is_in_the_control_topic_when_the_command_returns(place: Place) -> None:
    place.make("control")
    incident = short_id("realm", "principal", "event", 0)

    said = place.run("benign", incident, "--reason", "planned failover", "--author", "ada")

    assert incident in said.stderr
    assert "acknowledged" in said.stderr
    consumer = Consumer(
        {"bootstrap.servers": place.cluster.bootstrap, "group.id": place.unique, "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(place.topic("control"), 0, 0)])
    try:
        message = consumer.poll(20)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    assert message.key() == f"feedback/{incident}".encode()
    assert message.value() == said.stdout.encode().strip()
    record = decode(message.value() or b"")
    assert isinstance(record, Feedback)
    assert (record.verdict, record.reason, record.author) == ("benign", "planned failover", "ada")


def test_feedback_without_a_control_topic_says_how_to_make_one(place: Place) -> None:
    with pytest.raises(ConfigError, match=rf"{place.topic('control')}.*detector topics apply"):
        place.run("confirm", short_id("x"), "--reason", "why", "--author", "ada")
