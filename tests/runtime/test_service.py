from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import stamina

from detector import sources
from detector.alert import decode
from detector.bundle import load_bundle
from detector.decode import Decoder, RawRecord
from detector.detections.base import load_detections
from detector.errors import ConfigError, StreamUnavailable
from detector.pipeline import Emission, Pipeline
from detector.registry import members
from detector.resources import bundle_dir
from detector.runtime.choice import Choice, choose
from detector.runtime.dead_letters import DeadLetterFile
from detector.runtime.service import Service
from detector.runtime.signals import Stop
from detector.settings import DetectionSettings, Settings
from detector.simulate.fleet import fleet
from detector.sources.base import Source
from detector.stream.base import AlertWriter, OutgoingAlert, RecordStream
from detector.stream.memory import MemoryLog, MemoryStream, MemoryWriter
from detector.telemetry import events
from detector.telemetry.http import Health

BATCH = 500
EVERYTHING = choose(Settings(), load_detections())


class Failing(MemoryWriter):
    """Takes half of a write and then does not answer, `times` times; with an `error`, that."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        super().__init__()
        self.times = times
        self.error = error or StreamUnavailable("no answer")

    async def write(self, lines: Sequence[OutgoingAlert]) -> None:
        if self.times > 0:
            self.times -= 1
            await super().write(lines[: len(lines) // 2])
            raise self.error
        await super().write(lines)


class Crashing(MemoryStream):
    """The process dies at commit number `at`: before it is stored, or just after."""

    def __init__(self, log: MemoryLog, at: int, *, stored: bool) -> None:
        super().__init__(log, batch=BATCH)
        self.at, self.stored = at, stored

    async def commit(self, next_offsets: Mapping[int, int]) -> None:
        self.at -= 1
        if self.at == 0 and not self.stored:
            raise ConfigError("crash")
        await super().commit(next_offsets)
        if self.at == 0:
            raise ConfigError("crash")


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    return fleet(1, days=2, events_per_day=1_500).records


@pytest.fixture
def records(values: list[bytes]) -> list[RawRecord]:
    return [RawRecord(value, "raw/0", offset) for offset, value in enumerate(values)]


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[DeadLetterFile]:
    with DeadLetterFile(tmp_path / "dead.ndjson") as file:
        yield file


def pipeline() -> Pipeline:
    return Pipeline(load_bundle(bundle_dir("default")), load_detections())


def decoder() -> Decoder:
    return Decoder({name: source() for name, source in members(sources, Source).items()})


@pytest.fixture(scope="module")
def decided(values: list[bytes]) -> list[Emission]:
    """The alerts of the log, in order, without a service."""
    batch, _ = decoder().decode([RawRecord(value, "raw/0", offset) for offset, value in enumerate(values)])
    found = pipeline().process(batch)
    assert len(found) > 4, "a log without alerts would prove nothing"
    return found


@pytest.fixture(scope="module")
def expected(decided: list[Emission]) -> list[str]:
    return [emission.alert.id for emission in decided]


@pytest.fixture(scope="module")
def middle(decided: list[Emission]) -> int:
    """An offset with alerts before and after it."""
    return decided[len(decided) // 2].raw_offset


def ids(writer: MemoryWriter) -> list[str]:
    return [decode(line.value).id for line in writer.written]


async def serve(
    stream: RecordStream,
    writer: AlertWriter,
    dead: DeadLetterFile,
    stop: Stop | None = None,
    health: Health | None = None,
    *,
    choice: Choice = EVERYTHING,
) -> list[events.Event]:
    told: list[events.Event] = []
    async with stream, writer:
        service = Service(
            stream=stream, writer=writer, decoder=decoder(), pipeline=pipeline(), sends=choice.sends,
            dead_letters=dead, observe=told.append, health=health or Health(), topic="raw",
            clock=lambda: 1_767_600_000.0,
        )  # fmt: skip
        await service.run(stop or Stop())
    return told


async def test_alerts_are_those_of_the_pipeline_and_everything_is_committed(
    records: list[RawRecord], expected: list[str], dead: DeadLetterFile
) -> None:
    log, writer = MemoryLog(records, sealed=True), MemoryWriter()
    told = await serve(MemoryStream(log, batch=BATCH), writer, dead)
    assert ids(writer) == expected
    assert log.committed == {0: len(records)}
    accepted = sum(sum(event.events.values()) for event in told if isinstance(event, events.BatchProcessed))
    assert accepted == len(records)
    assert len([event for event in told if isinstance(event, events.AlertWritten)]) == len(writer.written)
    assert isinstance(told[-1], events.Stopped)


async def test_what_only_detections_in_shadow_found_is_counted_committed_and_not_written(
    records: list[RawRecord], decided: list[Emission], dead: DeadLetterFile
) -> None:
    loud = "replay.concurrent_use"  # joins what others have opened
    quiet = {name: DetectionSettings(mode="shadow") for name in EVERYTHING.detections if name != loud}
    log, writer = MemoryLog(records, sealed=True), MemoryWriter()
    told = await serve(
        MemoryStream(log, batch=BATCH), writer, dead, choice=choose(Settings(detections=quiet), load_detections())
    )
    shadowed = {event.id for event in told if isinstance(event, events.AlertShadowed)}
    assert shadowed == {found.alert.id for found in decided if loud not in found.alert.detections}
    assert set(ids(writer)) == {found.alert.id for found in decided} - shadowed
    assert shadowed, "a log without such an alert would prove nothing"
    assert writer.written, "a log with only such alerts would prove little"
    assert log.committed == {0: len(records)}


async def test_a_restart_is_silent_up_to_what_was_committed(
    records: list[RawRecord], expected: list[str], middle: int, dead: DeadLetterFile
) -> None:
    log, writer = MemoryLog(records[:middle], sealed=True), MemoryWriter()
    await serve(MemoryStream(log, batch=BATCH), writer, dead)
    assert 0 < len(writer.written) < len(expected)
    grown = MemoryLog(records, sealed=True)
    grown.committed = log.committed
    told = await serve(MemoryStream(grown, batch=BATCH), writer, dead)
    assert ids(writer) == expected
    (restored,) = [event for event in told if isinstance(event, events.Restored)]
    assert restored.records >= middle
    commits = [event for event in told if isinstance(event, events.CommitDone)]
    assert commits[0].next_offsets[0] > middle


@pytest.mark.parametrize("stored", [False, True])
async def test_a_crash_around_a_commit_loses_no_alert_and_repeats_only_the_same(
    records: list[RawRecord], expected: list[str], middle: int, dead: DeadLetterFile, *, stored: bool
) -> None:
    log, writer = MemoryLog(records, sealed=True), MemoryWriter()
    with pytest.raises(ConfigError, match="crash"):
        await serve(Crashing(log, middle // BATCH + 1, stored=stored), writer, dead)  # a batch with alerts
    await serve(MemoryStream(log, batch=BATCH), writer, dead)
    assert set(ids(writer)) == set(expected)
    assert len({line.value for line in writer.written}) == len(set(ids(writer)))


async def test_a_writer_that_does_not_answer_is_asked_again_before_anything_is_committed(
    records: list[RawRecord], expected: list[str], dead: DeadLetterFile
) -> None:
    log, writer = MemoryLog(records, sealed=True), Failing(times=3)
    told = await serve(MemoryStream(log, batch=BATCH), writer, dead)
    assert set(ids(writer)) == set(expected)
    retries = [event for event in told if isinstance(event, events.StreamRetried)]
    assert [(event.operation, event.attempt) for event in retries] == [("write", 1), ("write", 2), ("write", 3)]
    first = next(at for at, event in enumerate(told) if isinstance(event, events.AlertWritten))
    assert told.index(retries[-1]) < first


async def test_an_error_that_no_retry_heals_ends_the_service_as_itself(
    records: list[RawRecord], dead: DeadLetterFile
) -> None:
    log = MemoryLog(records, sealed=True)
    with pytest.raises(ConfigError, match="too large"):
        await serve(MemoryStream(log, batch=len(records)), Failing(1, ConfigError("too large")), dead)
    assert log.committed == {}


async def test_a_stop_while_alerts_cannot_be_written_gives_up_in_time_and_commits_nothing(
    records: list[RawRecord], dead: DeadLetterFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.runtime.service.DRAIN_SECONDS", 0.05)
    log, stop = MemoryLog(records), Stop()

    class Never(Failing):
        async def write(self, lines: Sequence[OutgoingAlert]) -> None:
            stop.request("SIGTERM")
            await asyncio.Event().wait()

    with pytest.raises(StreamUnavailable, match="repeats it with the same ids"):
        await serve(MemoryStream(log, batch=len(records)), Never(0), dead, stop)
    assert log.committed == {}


async def test_a_stop_while_the_broker_is_gone_and_nothing_is_in_flight_ends_in_order(dead: DeadLetterFile) -> None:
    stop = Stop()

    class Gone(MemoryStream):
        async def fetch(self) -> list[RawRecord]:
            stop.request("SIGTERM")
            raise StreamUnavailable("no answer")

    told = await serve(Gone(MemoryLog()), MemoryWriter(), dead, stop)
    assert told[-1] == events.Stopped(0, {})


async def test_rejected_records_are_kept_once_with_their_place(records: list[RawRecord], dead: DeadLetterFile) -> None:
    mixed = [RawRecord(b"not json", "raw/0", 0), *(RawRecord(r.value, "raw/0", r.offset + 1) for r in records[:9])]
    log = MemoryLog(mixed, sealed=True)
    told = await serve(MemoryStream(log), MemoryWriter(), dead)
    await serve(MemoryStream(log), MemoryWriter(), dead)
    (line,) = [json.loads(line) for line in dead.path.read_text().splitlines()]
    assert (line["stream"], line["offset"]) == ("raw/0", 0)
    (rejected,) = [event for event in told if isinstance(event, events.RecordsRejected)]
    assert sum(rejected.reasons.values()) == 1


async def test_it_is_ready_only_once_the_replay_has_reached_what_was_committed(
    records: list[RawRecord], dead: DeadLetterFile
) -> None:
    log, health, stop = MemoryLog(records[:1200]), Health(), Stop()
    log.committed = {0: 1200}
    seen: list[tuple[int, str]] = []

    class Watched(MemoryStream):
        async def fetch(self) -> list[RawRecord]:
            seen.append((self._next.get(0, 0), health.unready()))
            if self._next.get(0, 0) == 1200:
                stop.request("test")
            return await super().fetch()

    await serve(Watched(log, batch=BATCH), MemoryWriter(), dead, stop, health)
    assert seen == [(at, "replaying up to the committed position") for at in (0, 500, 1000)] + [(1200, "")]
    assert health.unready() == "stopping"
