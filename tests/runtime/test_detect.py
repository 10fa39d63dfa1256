from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import pytest
import stamina

from detector.alert import Alert, encode
from detector.detections.base import load_detections
from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.signals import Stop
from detector.settings import DetectionSettings, Settings
from detector.simulate.demo.fleet import fleet
from detector.stream.base import Bounds, Fetched, OutgoingRecord, Partition, Position
from detector.stream.memory import MemoryStream, MemoryWriter
from detector.telemetry import events
from detector.telemetry.http import Healths
from tests.runtime.world import World, kafka

USES = Partition("uses", 0)


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    return fleet(1, days=2, events_per_day=1_500).records


async def ingested(values: Sequence[bytes], settings: Settings | None = None, uses: int = 1) -> World:
    world = World(settings or kafka(), uses=uses)
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest()
    return world


@pytest.fixture
async def world(values: list[bytes]) -> World:
    return await ingested(values)


@pytest.fixture(scope="module")
def expected(values: list[bytes]) -> list[Alert]:
    """The alerts of the undisturbed log."""

    async def decided() -> list[Alert]:
        world = await ingested(values)
        await world.detect()
        return world.alerts

    found = asyncio.run(decided())
    assert len(found) > 4, "a log without alerts would prove nothing"
    return found


def ids(alerts: Sequence[Alert]) -> list[str]:
    return [alert.id for alert in alerts]


class Small(MemoryStream):
    """One block at a time."""

    def __init__(self, world: World) -> None:
        super().__init__(world.broker, ["uses"], "detector-detect", batch=1)


class Failing(MemoryWriter):
    """Takes half of a write and then does not answer, `times` times; with an `error`, that."""

    def __init__(self, world: World, times: int, error: Exception | None = None) -> None:
        super().__init__(world.broker)
        self.times = times
        self.error = error or StreamUnavailable("no answer")

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        if self.times > 0:
            self.times -= 1
            await super().write(records[: len(records) // 2])
            raise self.error
        await super().write(records)


async def test_alerts_are_written_told_and_committed(world: World, expected: list[Alert]) -> None:
    await world.detect()
    assert world.alerts == expected
    assert world.committed("detect") == {USES: len(world.broker.logs[USES])}
    assert [event.id for event in world.told if isinstance(event, events.AlertWritten)] == ids(expected)
    assert isinstance(world.told[-1], events.Stopped)


async def test_blocks_one_by_one_or_all_at_once_give_the_same_bytes(world: World, expected: list[Alert]) -> None:
    await world.detect(Small(world))
    assert [encode(alert) for alert in world.alerts] == [encode(alert) for alert in expected]


async def test_what_only_detections_in_shadow_found_is_counted_committed_and_not_written(
    values: list[bytes], expected: list[Alert]
) -> None:
    loud = "replay.concurrent_use"  # joins what others have opened
    quiet = {name: DetectionSettings(mode="shadow") for name in load_detections() if name != loud}
    world = await ingested(values, Settings(kafka=kafka().kafka, detections=quiet))
    await world.detect()
    shadowed = {event.id for event in world.told if isinstance(event, events.AlertShadowed)}
    assert shadowed == {alert.id for alert in expected if loud not in alert.detections}
    assert set(ids(world.alerts)) == set(ids(expected)) - shadowed
    assert shadowed, "a log without such an alert would prove nothing"
    assert world.alerts, "a log with only such alerts would prove little"
    assert world.committed("detect") == {USES: len(world.broker.logs[USES])}


async def test_a_restart_is_silent_up_to_what_was_committed(world: World, expected: list[Alert]) -> None:
    class Half(Small):
        async def commit(self, positions: Mapping[Partition, Position]) -> bool:
            if len(world.alerts) > len(expected) // 2:
                raise ConfigError("crash")
            return await super().commit(positions)

    with pytest.raises(ConfigError, match="crash"):
        await world.detect(Half(world))
    told = world.committed("detect")[USES]
    before = len(world.alerts)
    assert 0 < told < len(world.broker.logs[USES])
    await world.detect(Small(world))
    assert set(ids(world.alerts)) == set(ids(expected))
    assert len({encode(alert) for alert in world.alerts}) == len(expected), "a repeat is the same, byte for byte"
    assert len(world.alerts) - len(expected) <= before - 1
    (restored,) = [event for event in world.told if isinstance(event, events.Restored)][-1:]
    assert restored.partitions == 1


async def test_a_writer_that_does_not_answer_is_asked_again_before_anything_is_committed(
    world: World, expected: list[Alert]
) -> None:
    await world.detect(writer=Failing(world, times=3))
    assert set(ids(world.alerts)) == set(ids(expected))
    retries = [event for event in world.told if isinstance(event, events.StreamRetried)]
    assert [(event.operation, event.attempt) for event in retries] == [("write", 1), ("write", 2), ("write", 3)]
    first = next(at for at, event in enumerate(world.told) if isinstance(event, events.AlertWritten))
    assert world.told.index(retries[-1]) < first


async def test_an_error_that_no_retry_heals_ends_it_as_itself(world: World) -> None:
    with pytest.raises(ConfigError, match="too large"):
        await world.detect(writer=Failing(world, 1, ConfigError("too large")))
    assert world.committed("detect").get(USES, 0) < len(world.broker.logs[USES])


async def test_a_commit_that_another_member_has_overtaken_stops_nothing(world: World, expected: list[Alert]) -> None:
    class Overtaken(Small):
        refused = 2

        async def commit(self, positions: Mapping[Partition, Position]) -> bool:
            self.refused -= 1
            return self.refused < 0 and await super().commit(positions)

    await world.detect(Overtaken(world))
    assert world.alerts == expected
    assert world.committed("detect") == {USES: len(world.broker.logs[USES])}


async def test_a_stop_while_alerts_cannot_be_written_gives_up_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.runtime.service.DRAIN_SECONDS", 0.05)
    stop = Stop()

    class Never(Failing):
        async def write(self, records: Sequence[OutgoingRecord]) -> None:
            stop.request("SIGTERM")
            await asyncio.Event().wait()

    with pytest.raises(StreamUnavailable, match="repeats it with the same ids"):
        await world.detect(writer=Never(world, 0), stop=stop)
    assert world.committed("detect").get(USES, 0) < len(world.broker.logs[USES])


async def test_a_stop_while_the_broker_is_gone_ends_in_order(world: World) -> None:
    stop = Stop()

    class Gone(Small):
        async def fetch(self) -> Fetched:
            stop.request("SIGTERM")
            raise StreamUnavailable("no answer")

    await world.detect(Gone(world), stop=stop)
    assert world.told[-1] == events.Stopped("SIGTERM")


# --- partitions that come and go -----------------------------------------------------------------------------------


class Rebalanced(Small):
    """After `at` fetches the partitions are assigned anew, from the last commit."""

    def __init__(self, world: World, at: int, owned: Sequence[int] | None = None) -> None:
        super().__init__(world)
        self.at, self.owned, self.sought = at, owned, list[dict[Partition, int]]()

    async def fetch(self) -> Fetched:
        self.at -= 1
        if self.at == 0:
            assignment: dict[Partition, Bounds] = {
                partition: self._bounds(partition)
                for partition in self._owned
                if self.owned is None or partition.number in self.owned
            }
            self._owned = tuple(assignment)
            self._next = {partition: self._next[partition] for partition in assignment}
            return Fetched(assignment=assignment)
        return await super().fetch()

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        self.sought.append(dict(offsets))
        super().seek(offsets)


async def test_a_partition_that_stays_goes_on_where_it_is(world: World, expected: list[Alert]) -> None:
    stream = Rebalanced(world, 5)
    await world.detect(stream)
    assert world.alerts == expected
    assert stream.sought == [{USES: 0}, {USES: 3}]


async def test_a_partition_that_another_member_carried_on_meanwhile_stays_silent_up_to_there(
    world: World, expected: list[Alert]
) -> None:
    class Overtaken(Rebalanced):
        def _bounds(self, partition: Partition) -> Bounds:
            bounds = super()._bounds(partition)
            return Bounds(bounds.earliest, bounds.end, Position(bounds.end) if self.sought else bounds.committed)

    await world.detect(Overtaken(world, 3))
    assert set(ids(world.alerts)) < set(ids(expected))
    assert len(world.alerts) <= 1


async def test_a_partition_that_moves_away_is_let_go(values: list[bytes]) -> None:
    world = await ingested(values, uses=4)
    role = await world.detect(Rebalanced(world, 6, owned=[0, 2]))
    assert {partition.number for partition in role.pipelines} == {0, 2}


async def test_records_that_were_deleted_unread_are_refused(world: World) -> None:
    class Gapped(Small):
        def _bounds(self, partition: Partition) -> Bounds:
            return Bounds(3, len(self._broker.logs[partition]), Position(1))

    with pytest.raises(ConfigError, match=r"uses/0: expected to read on from offset 1, .* kafka.group a new name"):
        await world.detect(Gapped(world))


# --- what cannot be read -------------------------------------------------------------------------------------------


class Patient(Small):
    """Asks to stop once it has found nothing three times; keeps what the probes said."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.stop, self.health, self.seen, self.quiet = Stop(), Healths(), list[str](), 0

    @property
    def ended(self) -> bool:
        return False

    async def fetch(self) -> Fetched:
        self.seen.append(self.health.unready())
        found = await super().fetch()
        self.quiet += not found.records
        if self.quiet > 3:
            self.stop.request("enough")
        return found


async def test_a_record_that_is_no_block_stops_its_partition_and_no_other(values: list[bytes]) -> None:
    world = await ingested(values, uses=2)
    logs = world.broker.logs
    full, other = sorted((Partition("uses", 0), Partition("uses", 1)), key=lambda at: -len(logs[at]))
    assert len(logs[other]) > 0
    at = len(logs[other]) - 1
    record = logs[other][at]
    damaged = record.value[:-1] + bytes([record.value[-1] ^ 1])
    logs[other][at] = type(record)(damaged, record.stream, record.offset, record.partition, record.append_time)
    stream = Patient(world)
    await world.detect(stream, stop=stream.stop, health=stream.health)
    assert world.committed("detect") == {full: len(logs[full])} | ({other: at} if at else {})
    (stopped,) = [event for event in world.told if isinstance(event, events.PartitionStopped)]
    assert (stopped.partition, stopped.offset) == (other.number, at)
    assert stream.seen[-1].startswith(f"detect: {other} stopped: offset {at}: ")


async def test_good_blocks_before_a_damaged_one_are_decided(world: World, expected: list[Alert]) -> None:
    logs = world.broker.logs[USES]
    record = logs[-1]
    logs[-1] = type(record)(b"USEB?", record.stream, record.offset, record.partition, record.append_time)
    stream = Patient(world)
    await world.detect(stream, stop=stream.stop)
    assert world.committed("detect") == {USES: len(logs) - 1}
    assert len(world.alerts) > 0
    assert ids(world.alerts) == ids(expected)[: len(world.alerts)]


async def test_it_is_ready_only_once_the_replay_has_reached_what_was_committed(world: World) -> None:
    end = len(world.broker.logs[USES])
    world.broker.committed["detector-detect", USES] = Position(end)
    health, stop = Healths(), Stop()
    seen: list[tuple[int, str]] = []

    class Watched(Small):
        @property
        def ended(self) -> bool:
            return False

        async def fetch(self) -> Fetched:
            seen.append((self._next.get(USES, 0), health.unready()))
            if seen[-1][0] == end:
                stop.request("test")
            return await super().fetch()

    await world.detect(Watched(world), stop=stop, health=health)
    assert seen[0] == (0, "detect: starting")
    waiting = "detect: replaying 1 partitions up to the committed position"
    assert seen[1:] == [(at, waiting) for at in range(end)] + [(end, "")]
    assert health.unready() == "detect: stopped"
    assert world.alerts == []


async def test_it_is_not_ready_before_it_knows_which_partitions_it_has(world: World) -> None:
    class Joining(Patient):
        """The group takes its time."""

        waits = 2

        async def fetch(self) -> Fetched:
            if self.waits > 0:
                self.waits -= 1
                self.seen.append(self.health.unready())
                return Fetched()
            return await super().fetch()

    stream = Joining(world)
    await world.detect(stream, stop=stream.stop, health=stream.health)
    assert stream.seen[:4] == ["detect: starting"] * 3 + [""]
