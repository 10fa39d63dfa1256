"""The roles of `run` joined in one process over memory: what the demo runs, and what can be embedded.

The parts are the same as on Kafka; only the broker is a `MemoryBroker`, whose topics can end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from detector.pipeline import Pipeline
from detector.runtime.choice import Choice
from detector.runtime.detect import Detect
from detector.runtime.ingest import Ingest
from detector.runtime.service import Role, Service
from detector.runtime.signals import Stop
from detector.settings import Settings
from detector.stream.memory import MemoryBroker, MemoryStream, MemoryWriter
from detector.telemetry.events import Observer
from detector.telemetry.http import Healths

FETCH: Final = 1024  # records of one fetch


def memory_broker(
    settings: Settings, *, raw: int = 1, uses: int = 1, clock: Callable[[], int] = lambda: 0
) -> MemoryBroker:
    """The topics of `settings`, with `raw` partitions for each raw topic and `uses` for the topic of uses."""
    kafka = settings.kafka
    topics = {kafka.uses: uses, kafka.alerts: 1, kafka.control: 1, kafka.dead_letters: 1}
    return MemoryBroker(topics | dict.fromkeys(kafka.raw, raw), clock)


class Embedded:
    """ingest and detect over a broker in memory. `run` ends once the raw topics and control, sealed, are decided."""

    def __init__(
        self,
        settings: Settings,
        broker: MemoryBroker,
        observe: Observer,
        health: Healths,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        kafka = settings.kafka
        self._streams = {
            "ingest": MemoryStream(broker, [*kafka.raw, kafka.control], f"{kafka.group}-ingest", batch=FETCH),
            "detect": MemoryStream(broker, [kafka.uses], f"{kafka.group}-detect", batch=FETCH),
        }
        writer = MemoryWriter(broker)
        ingest = Ingest(
            settings, stream=self._streams["ingest"], writer=writer, observe=observe, health=health.of("ingest"),
            clock=clock,
        )  # fmt: skip
        self._detect = Detect(
            Choice(settings).pipeline, stream=self._streams["detect"], writer=writer, alerts=kafka.alerts,
            observe=observe, health=health.of("detect"), clock=clock,
        )  # fmt: skip
        roles: dict[str, Role] = {"ingest": _Ending(ingest, broker, kafka.uses), "detect": self._detect}
        self._service = Service(roles, observe, health)

    @property
    def pipelines(self) -> list[Pipeline]:
        """The shards, in the order of their partitions."""
        return [pipeline for _, pipeline in sorted(self._detect.pipelines.items())]

    async def run(self, stop: Stop) -> None:
        """Run until `stop` is requested or everything is decided. Raises the DetectorError that ended it."""
        async with self._streams["ingest"], self._streams["detect"]:
            await self._service.run(stop)


class _Ending:
    """The role ingest, which ends the topic of uses behind it."""

    def __init__(self, ingest: Ingest, broker: MemoryBroker, uses: str) -> None:
        self._ingest = ingest
        self._broker = broker
        self._uses = uses

    async def run(self, stop: Stop) -> None:
        await self._ingest.run(stop)
        self._broker.seal(self._uses)
