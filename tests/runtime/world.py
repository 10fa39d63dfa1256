"""A log of a small fleet with thefts, and the roles of `run` over memory: what the tests of the roles share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from detector.alert import Alert, decode
from detector.domain import SECOND
from detector.runtime.choice import Choice
from detector.runtime.detect import Detect
from detector.runtime.embedded import memory_broker
from detector.runtime.ingest import Ingest
from detector.runtime.service import Service
from detector.runtime.signals import Stop
from detector.settings import Kafka, RawTopic, Settings
from detector.stream.base import Partition, RecordStream, RecordWriter
from detector.stream.memory import MemoryBroker, MemoryStream, MemoryWriter
from detector.telemetry.events import Event
from detector.telemetry.http import Health, Healths

NOW = 1_767_900_000.0
BATCH = 100


def kafka(**keys: object) -> Settings:
    """Settings with one raw topic, `raw`."""
    return Settings(kafka=Kafka(raw={"raw": RawTopic()}, **keys))  # type: ignore[arg-type]


@dataclass
class World:
    """A broker in memory and what the roles told."""

    settings: Settings = field(default_factory=kafka)
    raw: int = 1
    uses: int = 1
    appended: int = 0
    told: list[Event] = field(default_factory=list)
    broker: MemoryBroker = field(init=False)

    def __post_init__(self) -> None:
        self.broker = memory_broker(self.settings, raw=self.raw, uses=self.uses)
        self.broker.seal(self.settings.kafka.control)

    def fill(self, values: Sequence[bytes], *, topic: str = "raw") -> None:
        """Append, in turn over the partitions, a record each hundredth of a second; nothing more will come."""
        count = self.broker.count(topic)
        for at, value in enumerate(values):
            self.appended += SECOND // 100
            time = round(NOW * SECOND) + self.appended
            self.broker.append(Partition(topic, at % count), value, time)

    async def ingest(self, stream: RecordStream | None = None, writer: RecordWriter | None = None) -> None:
        """Run ingest until everything in sealed topics is written."""
        names = self.settings.kafka
        stream = stream or self.stream([*names.raw, names.control], "ingest")
        writer = writer or MemoryWriter(self.broker)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(stream)
            await stack.enter_async_context(writer)
            await Ingest(self.settings, stream=stream, writer=writer, observe=self.told.append, health=Health(),
                         clock=lambda: NOW + 3600).run(Stop())  # fmt: skip
        if all(self.broker.is_sealed(topic) for topic in names.raw):
            self.broker.seal(names.uses)

    async def detect(
        self,
        stream: RecordStream | None = None,
        writer: RecordWriter | None = None,
        stop: Stop | None = None,
        health: Healths | None = None,
    ) -> Detect:
        """Run detect until the sealed topic of uses is decided."""
        stream = stream or self.stream([self.settings.kafka.uses], "detect")
        writer = writer or MemoryWriter(self.broker)
        health = health or Healths()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(stream)
            await stack.enter_async_context(writer)
            role = Detect(Choice(self.settings).pipeline, stream=stream, writer=writer,
                          alerts=self.settings.kafka.alerts, observe=self.told.append, health=health.of("detect"),
                          clock=lambda: NOW)  # fmt: skip
            await Service({"detect": role}, self.told.append, health).run(stop or Stop())
        return role

    def stream(self, topics: Sequence[str], role: str) -> MemoryStream:
        """A member of a role's group."""
        return MemoryStream(self.broker, topics, f"{self.settings.kafka.group}-{role}", batch=BATCH)

    @property
    def alerts(self) -> list[Alert]:
        """Everything in the topic of alerts, in order."""
        return [decode(record.value) for record in self.broker.logs[Partition(self.settings.kafka.alerts, 0)]]

    def committed(self, role: str) -> dict[Partition, int]:
        """Offsets that a role has committed."""
        group = f"{self.settings.kafka.group}-{role}"
        return {at: position.offset for (who, at), position in self.broker.committed.items() if who == group}
