"""The parts of `run`, made from the settings and started in order; ended in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import stamina

from detector import sources
from detector.bundle import load_bundle
from detector.decode import Decoder
from detector.detections.base import load_detections
from detector.pipeline import Pipeline
from detector.registry import members
from detector.resources import bundle_dir
from detector.runtime.choice import choose
from detector.runtime.dead_letters import DeadLetterFile
from detector.runtime.service import Service
from detector.settings import Settings
from detector.sources.base import Source
from detector.stream.kafka import KafkaAlertWriter, KafkaStream
from detector.telemetry.events import OrderUnstable, Started, to_all
from detector.telemetry.http import Health, serve
from detector.telemetry.logs import log_event
from detector.telemetry.metrics import Metrics


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service whose parts are started: probes first, so that a start that waits can be watched.

    Raises ConfigError (STOP) or StreamUnavailable: a broker that does not answer at the start is not waited for.
    """
    bundle = load_bundle(bundle_dir(settings.bundle))
    choice = choose(settings, load_detections())
    read = {name: source() for name, source in members(sources, Source).items()}
    decoder = Decoder(read, format=settings.source.format, realm=settings.source.realm)
    stamina.instrumentation.set_on_retry_hooks([])  # retries are told as events; the library's own are a second voice
    metrics, health, kafka = Metrics(), Health(), settings.kafka
    observe = to_all(metrics, log_event)
    stream = KafkaStream(kafka.bootstrap, kafka.raw_topic, kafka.group, observe)
    writer = KafkaAlertWriter(kafka.bootstrap, kafka.alerts_topic)
    async with AsyncExitStack() as stack:
        dead_letters = stack.enter_context(DeadLetterFile(Path(settings.dead_letter.file)))
        endpoint = await stack.enter_async_context(
            serve(metrics.registry, health, settings.http.host, settings.http.port)
        )
        await stack.enter_async_context(stream)
        await stack.enter_async_context(writer)
        if stream.partitions > 1:
            observe(OrderUnstable(kafka.raw_topic, stream.partitions))
        observe(Started(kafka.raw_topic, kafka.group, stream.partitions, bundle.name, bundle.digest, endpoint.url))
        yield Service(
            stream=stream,
            writer=writer,
            decoder=decoder,
            pipeline=Pipeline(bundle, choice.detections, sending=choice.sending, config_hash=settings.digest),
            sends=choice.sends,
            dead_letters=dead_letters,
            observe=observe,
            health=health,
            topic=kafka.raw_topic,
        )
