"""What surrounds `detector run` on a cluster: topics that nobody else uses, their settings, and an independent client.

What a test learns of topics and groups it learns from `confluent-kafka`, never from the code that is tested.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka._model import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from detector.alert import Alert, decode
from detector.cli import invoke
from tests.integration.broker import Cluster

SECONDS = 60.0
SESSION_SECONDS = 3.0  # after a kill the group waits so long for the member that is gone

At = tuple[str, int]  # topic, partition


@dataclass(frozen=True)
class Record:
    """A record as the broker has it; `time` in milliseconds."""

    partition: int
    offset: int
    time: int
    key: bytes
    value: bytes
    headers: Mapping[str, str]

    @property
    def alert(self) -> Alert:
        return decode(self.value)


@dataclass
class Deployment:
    """One set of topics, one group, one settings file.

    `raw` are the partitions of each raw topic, `uses` those of uses; `replicas` are the brokers of a topic, by its key
    (`raw0` is the first raw topic). `kafka` and `settings` are laid over the settings.
    """

    cluster: Cluster
    folder: Path
    raw: Sequence[int] = (1,)
    uses: int = 1
    replicas: Mapping[str, list[int]] = field(default_factory=dict)
    kafka: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap, "log_level": 0})  # its futures need it
        partitions = {self.topic(key): 1 for key in ("alerts", "control", "dead_letters")}
        partitions |= {self.topic("uses"): self.uses, **dict(zip(self.raws, self.raw, strict=True))}
        chosen = {self.topic(key): [brokers] * partitions[self.topic(key)] for key, brokers in self.replicas.items()}
        created = [
            NewTopic(name, num_partitions=count, replica_assignment=chosen[name])
            if name in chosen
            else NewTopic(name, num_partitions=count, replication_factor=1)
            for name, count in partitions.items()
        ]
        for future in self.admin.create_topics(created).values():
            future.result(30)
        deadline = time.monotonic() + SECONDS
        while not self._known(partitions):
            assert time.monotonic() < deadline, f"{self.cluster.bootstrap} does not know {partitions}"

    def topic(self, key: str) -> str:
        """The topic of a setting such as `alerts`."""
        return f"{key}-{self.unique}"

    @property
    def raws(self) -> list[str]:
        """The raw topics."""
        return [f"raw{number}-{self.unique}" for number in range(len(self.raw))]

    def group(self, role: str) -> str:
        """The group of a role."""
        return f"group-{self.unique}-{role}"

    def write(self, name: str = "run", kafka: Mapping[str, Any] | None = None) -> Path:
        """The settings as a file (JSON, which is YAML), with `kafka` over what is set already."""
        own: dict[str, Any] = {key: self.topic(key) for key in ("uses", "alerts", "control", "dead_letters")}
        own |= {"bootstrap": self.cluster.bootstrap, "group": f"group-{self.unique}"}
        own |= {"raw": {raw: {} for raw in self.raws}, "session_timeout_seconds": SESSION_SECONDS}
        plain = {"http": {"port": 0}, **self.settings, "kafka": {**own, **self.kafka, **(kafka or {})}}
        path = self.folder / f"{name}-{self.unique}.yaml"
        path.write_text(json.dumps(plain))
        return path

    # --- what producers and operators do -----------------------------------------------------------------------------

    def fill(self, values: Sequence[bytes]) -> None:
        """Append records to the first partition of the first raw topic, in order, and wait until they are there."""
        self.append([(self.raws[0], 0, value) for value in values])

    def append(self, records: Sequence[tuple[str, int, bytes]]) -> None:
        """Append (topic, partition, value) in order, and wait until they are there."""
        for topic, partition, value in records:
            while True:
                try:
                    self._producer.produce(topic, value, partition=partition)
                    break
                except BufferError:
                    self._producer.poll(0.1)
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def delete_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """Delete what stands before an offset, as retention would."""
        for future in self.admin.delete_records([TopicPartition(topic, partition, offset)]).values():
            future.result(30)

    def configure(self, key: str, **config: str) -> None:
        """Set on a topic of ours what an operator would; `_` for `.` in names of settings."""
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, self.topic(key), incremental_configs=entries)
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(30)

    async def dumped(self, folder: Path) -> Path:
        """`detector topics dump uses` in this process; the folder."""
        await self.command("topics", "dump", "uses", "--out", str(folder))
        return folder

    async def command(self, *words: str) -> None:
        """A command of `detector` in this process, with these settings."""
        assert await asyncio.to_thread(invoke, [*words, "--config", str(self.write("command"))]) == 0

    # --- what is to be seen ------------------------------------------------------------------------------------------

    def ends(self, *topics: str) -> dict[At, int]:
        """The offset that the next record of each partition gets."""
        known = self.admin.list_topics(timeout=20).topics
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library does not say
        asked = {TopicPartition(topic, number): latest for topic in topics for number in known[topic].partitions}
        found = self.admin.list_offsets(asked, request_timeout=20)
        return {(at.topic, at.partition): future.result(30).offset for at, future in found.items()}

    def committed(self, role: str) -> dict[At, int]:
        """What the group of a role has stored."""
        group = self.group(role)
        (future,) = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        return {(at.topic, at.partition): at.offset for at in future.result(30).topic_partitions if at.offset >= 0}

    def lag(self, role: str, ends: Mapping[At, int] | None = None) -> int:
        """Records up to these ends (None: those of now) that a role has not committed."""
        topics = {"ingest": self.raws, "detect": [self.topic("uses")]}.get(role, [self.topic("alerts")])
        ends = self.ends(*topics) if ends is None else ends
        committed = self.committed(role)
        return sum(max(0, end - committed.get(at, 0)) for at, end in ends.items())

    async def until_ingested(self) -> None:
        """Wait until every raw record is committed."""
        await until(lambda: self.lag("ingest") == 0, "ingest to read the raw topics")

    async def until_decided(self) -> None:
        """Wait until every raw record is in uses and detect has committed what was there then."""
        await self.until_ingested()
        ends = await asyncio.to_thread(self.ends, self.topic("uses"))
        await until(lambda: self.lag("detect", ends) == 0, "detect to read uses")

    def read(self, topic: str) -> list[Record]:
        """Every record of a topic, partition after partition."""
        consumer = Consumer(
            {"bootstrap.servers": self.cluster.bootstrap, "group.id": f"reader-{self.unique}", "log_level": 0,
             "enable.auto.commit": False, "enable.partition.eof": False}
        )  # fmt: skip
        ends = {at: end for at, end in self.ends(topic).items() if end}
        found: list[Record] = []
        try:
            for (name, number), end in sorted(ends.items()):
                start, _ = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=20)
                consumer.assign([TopicPartition(name, number, start)])
                while start < end:
                    message = consumer.poll(20)
                    assert message is not None, f"expected {end} records in {name}/{number}, found {start}"
                    assert message.error() is None
                    start = (message.offset() or 0) + 1
                    found.append(_record(message))
        finally:
            consumer.close()
        return found

    def alerts(self) -> list[Record]:
        """Every record of the topic of alerts, in order."""
        return self.read(self.topic("alerts"))

    def written(self) -> int:
        """Blocks in uses."""
        return sum(self.ends(self.topic("uses")).values())

    @cached_property
    def _producer(self) -> Producer:
        # Idempotent, or a batch that is sent again lands behind its successors.
        return Producer(
            {"bootstrap.servers": self.cluster.bootstrap, "enable.idempotence": True, "linger.ms": 5,
             "batch.num.messages": 200, "log_level": 0}
        )  # fmt: skip

    def _known(self, partitions: Mapping[str, int]) -> bool:
        found = self.admin.list_topics(timeout=10).topics
        return all(
            topic in found and sum(part.leader >= 0 for part in found[topic].partitions.values()) == count
            for topic, count in partitions.items()
        )


async def until(reached: Callable[[], bool], what: str, seconds: float = SECONDS, look: float = 0.1) -> None:
    """Wait until something that another process does has happened; `look` every so many seconds, off the loop."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(reached):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(look)


async def scan(out: Path, *arguments: str | Path) -> list[bytes]:
    """`detector scan … --output ndjson` in this process: the lines it writes, which are alerts."""
    words = ["scan", *map(str, arguments), "--output", "ndjson", "--out", str(out)]
    assert await asyncio.to_thread(invoke, words) == 0
    return await asyncio.to_thread(lambda: out.read_bytes().splitlines())


def _record(message: Any) -> Record:
    headers = {name: value.decode() if isinstance(value, bytes) else str(value or "")
               for name, value in message.headers() or []}  # fmt: skip
    return Record(message.partition(), message.offset(), message.timestamp()[1], message.key() or b"",
                  message.value() or b"", headers)  # fmt: skip
