"""The parts of `run`, made from the settings and started in order; ended in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

import stamina

from detector import encoders, sinks
from detector.encoders.base import Encoder
from detector.errors import ConfigError
from detector.registry import members
from detector.runtime.choice import Choice
from detector.runtime.delivery import Delivery
from detector.runtime.detect import Detect
from detector.runtime.ingest import Ingest
from detector.runtime.service import Role, Service
from detector.settings import Settings
from detector.sinks.base import Destination, Sink
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.consumer import KafkaStream
from detector.stream.kafka.producer import KafkaWriter
from detector.telemetry.events import Observer, Started, to_all
from detector.telemetry.http import Healths, serve
from detector.telemetry.logs import log_event
from detector.telemetry.metrics import Metrics

RoleName = Literal["ingest", "detect", "deliver"]
ROLES: Final[tuple[RoleName, ...]] = ("ingest", "detect", "deliver")
LAST_PORT: Final = 65_535


@asynccontextmanager
async def running(
    settings: Settings, roles: Sequence[RoleName], worker: str, number: int = 0
) -> AsyncIterator[Service]:
    """A service whose parts are started: probes first, so that a start that waits can be watched.

    `worker` is the name by which the groups know this process again, `number` moves the port of its probes. Raises
    ConfigError (STOP) or StreamUnavailable: a broker that does not answer at the start is not waited for.
    """
    stamina.instrumentation.set_on_retry_hooks([])  # retries are told as events; the library's own are a second voice
    metrics, health = Metrics(), Healths()
    observe = to_all(metrics, log_event)
    http = settings.http
    choice = Choice(settings, observe)
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(serve(metrics.registry, health, http.host, _port(http.port, number)))
        parts = _Parts(settings, worker, observe, health, stack)
        made = await parts.made(roles, choice)
        first = choice.first
        observe(Started(tuple(made), settings.kafka.group, worker, first.name, first.digest, endpoint.url))
        yield Service(made, observe, health)


def _port(first: int, number: int) -> int:
    """Where the probes of worker `number` answer."""
    if first + number > LAST_PORT:
        raise ConfigError(
            f"http.port: expected {LAST_PORT - number} or less, since worker {number} answers on port + {number}, "
            f"found {first}"
        )
    return first + number if first else 0


class _Parts:
    """Makes roles with their streams and writers, which `stack` closes."""

    def __init__(
        self, settings: Settings, worker: str, observe: Observer, health: Healths, stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self._kafka = settings.kafka
        self._worker = worker
        self._observe = observe
        self._health = health
        self._stack = stack
        self._connection = Connection(settings.kafka.bootstrap, settings.kafka.security)

    async def made(self, roles: Sequence[RoleName], choice: Choice) -> dict[str, Role]:
        """The roles by name, each sink's delivery one of its own."""
        found: dict[str, Role] = {}
        if "ingest" in roles:
            found["ingest"] = await self._ingest()
        if "detect" in roles:
            found["detect"] = await self._detect(choice)
        if "deliver" in roles:
            for name in self._settings.sinks:
                found[f"deliver-{name}"] = await self._deliver(name)
        if not found:
            raise ConfigError("sinks: expected at least one destination for the role deliver, found none")
        return found

    async def _ingest(self) -> Ingest:
        if not self._kafka.raw:
            raise ConfigError(
                "kafka.raw: expected at least one topic to read, found none; name it, as in "
                "`kafka: {raw: {cloudtrail: {source: cloudtrail}}}`"
            )
        stream = await self._stream([*self._kafka.raw, self._kafka.control], "ingest")
        health = self._health.of("ingest")
        writer = await self._writer()
        return Ingest(self._settings, stream=stream, writer=writer, observe=self._observe, health=health)

    async def _detect(self, choice: Choice) -> Detect:
        return Detect(
            choice.pipeline,
            stream=await self._stream([self._kafka.uses], "detect"),
            writer=await self._writer(),
            alerts=self._kafka.alerts,
            observe=self._observe,
            health=self._health.of("detect"),
        )

    async def _deliver(self, name: str) -> Delivery:
        said, role = self._settings.sinks[name], f"deliver-{name}"
        sink = members(sinks, Sink)[said.type](
            Destination(name, said.target, tuple(said.secrets)), members(encoders, Encoder)[said.encoder]()
        )
        return Delivery(
            sink=await self._stack.enter_async_context(sink),
            stream=await self._stream([self._kafka.alerts], role),
            writer=await self._writer(),
            dead_letters=self._kafka.dead_letters,
            observe=self._observe,
            health=self._health.of(role),
            min_severity=said.min_severity,
        )

    async def _stream(self, topics: list[str], role: str) -> KafkaStream:
        stream = KafkaStream(
            self._connection,
            topics,
            f"{self._kafka.group}-{role}",
            self._observe,
            member=self._worker,
            session_timeout_seconds=self._kafka.session_timeout_seconds,
        )
        return await self._stack.enter_async_context(stream)

    async def _writer(self) -> KafkaWriter:
        return await self._stack.enter_async_context(KafkaWriter(self._connection))
