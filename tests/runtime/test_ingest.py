from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
import stamina

from detector.control import Feedback, encode
from detector.domain import DAY, SECOND, Activity, StringTable, UseBatch
from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.ingest import Ingest
from detector.runtime.signals import Stop
from detector.settings import Kafka, RawTopic, Realms, Settings
from detector.simulate.demo.fleet import fleet
from detector.stream import blocks
from detector.stream.base import Fetched, OutgoingRecord, Partition, Position
from detector.stream.memory import MemoryStream, MemoryWriter
from detector.telemetry import events
from detector.telemetry.http import Health
from tests.runtime.world import NOW, World, kafka


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    found = fleet(1, days=2, events_per_day=1_000).records
    return found[: len(found) // 12 * 12]


def rows(world: World, number: int = 0) -> UseBatch:
    """Everything in one partition of uses, in order."""
    table = StringTable()
    log = world.broker.logs[Partition("uses", number)]
    return UseBatch.concat([blocks.decode(record.value, table) for record in log], table)


def plain(batch: UseBatch) -> UseBatch:
    return batch.take(batch.activity < Activity.TICK)


def positions(batch: UseBatch) -> list[tuple[int, int, int]]:
    return list(zip(batch.raw_partition.tolist(), batch.raw_offset.tolist(), batch.row.tolist(), strict=True))


async def filled(values: Sequence[bytes], **shape: int) -> World:
    world = World(**shape)  # type: ignore[arg-type]
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest()
    return world


async def test_every_use_is_written_once_with_the_place_of_its_record(values: list[bytes]) -> None:
    world = await filled(values, raw=2)
    found = plain(rows(world))
    assert len(set(positions(found))) == len(found) >= len(values)
    assert {found.strings.texts[code] for code in found.ref_stream} == {"raw/0", "raw/1"}
    assert (found.raw_offset == found.ref_offset).all()
    assert (found.append_time >= NOW * SECOND).all()
    half = len(values) // 2
    assert world.committed("ingest") == {
        Partition("control", 0): 0,
        Partition("raw", 0): half,
        Partition("raw", 1): half,
    }


async def test_a_realm_is_in_one_partition_whatever_partition_its_records_came_from(values: list[bytes]) -> None:
    world = await filled(values, raw=3, uses=4)
    homes: dict[str, set[int]] = {}
    for number in range(4):
        found = plain(rows(world, number))
        for code in np.unique(found.realm):
            homes.setdefault(found.strings[int(code)], set()).add(number)
    assert len(homes) > 1
    assert all(len(numbers) == 1 for numbers in homes.values())


async def test_merged_realms_meet_in_one_partition(values: list[bytes]) -> None:
    apart = await filled(values, uses=8)
    realms = [{rows(apart, n).strings[int(c)] for c in np.unique(plain(rows(apart, n)).realm)} for n in range(8)]
    both = sorted({realm for found in realms for realm in found})
    assert len([found for found in realms if found]) > 1
    world = World(Settings(kafka=Kafka(raw={"raw": RawTopic()}), realms=Realms(merge=[both])), uses=8)
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest()
    assert sum(len(plain(rows(world, number))) > 0 for number in range(8)) == 1


async def test_routing_raw_leaves_rows_where_their_records_were(values: list[bytes]) -> None:
    world = World(kafka(routing="raw"), raw=2, uses=2)
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest()
    found = [set(plain(rows(world, number)).raw_partition.tolist()) for number in range(2)]
    assert found[0].isdisjoint(found[1])


async def test_rows_of_several_raw_partitions_come_in_the_order_they_were_appended(values: list[bytes]) -> None:
    world = World(raw=4)
    world.fill(values[:400])
    world.broker.seal("raw")
    await world.ingest(MemoryStream(world.broker, ["raw", "control"], "detector-ingest", batch=400))
    found = plain(rows(world))
    assert (np.diff(found.append_time) >= 0).all()
    assert len(np.unique(found.raw_partition)) == 4


class Failing(MemoryWriter):
    """Takes a first part of every partition's records and then does not answer, `times` times."""

    times = 3

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        if self.times and records:
            self.times -= 1
            await super().write(records[: len(records) // 2])
            raise StreamUnavailable("no answer")
        await super().write(records)


async def test_blocks_that_are_written_again_hold_the_same_rows_at_the_same_places(values: list[bytes]) -> None:
    world = World(uses=3)
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest(writer=Failing(world.broker))
    undisturbed = await filled(values, uses=3)
    for number in range(3):
        again, once = plain(rows(world, number)), plain(rows(undisturbed, number))
        assert list(dict.fromkeys(positions(again))) == positions(once)
    assert [event.operation for event in world.told if isinstance(event, events.StreamRetried)] == ["write"] * 3


class Crashing(MemoryStream):
    """The process dies at the third commit: before it is stored."""

    commits = 0

    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        self.commits += 1
        if self.commits == 3:
            raise ConfigError("crash")
        return await super().commit(positions)


async def test_a_new_owner_goes_on_from_the_commit_and_repeats_only_whole_positions(
    values: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.runtime.ingest.COMMIT_SECONDS", 0.0)
    world = World(raw=2)
    world.fill(values)
    world.broker.seal("raw")
    with pytest.raises(ConfigError, match="crash"):
        await world.ingest(Crashing(world.broker, ["raw", "control"], "detector-ingest", batch=500))
    written = len(rows(world))
    assert 0 < sum(world.committed("ingest").values()) < len(values)
    await world.ingest()
    found, once = plain(rows(world)), plain(rows(await filled(values, raw=2)))
    assert len(found) > len(once) >= written / 2
    assert set(positions(found)) == set(positions(once))
    for identity in np.unique(found.raw_partition).tolist():
        mine = found.take(found.raw_partition == identity)
        kept: list[tuple[int, int, int]] = []
        for place in positions(mine):
            if not kept or place > kept[-1]:
                kept.append(place)
        assert kept == positions(once.take(once.raw_partition == identity)), "dropping what is not above loses nothing"


async def test_control_records_go_to_every_partition() -> None:
    world = World(uses=3)
    world.broker = type(world.broker)({"raw": 1, "uses": 3, "alerts": 1, "control": 1, "dead-letters": 1})
    said = Feedback(time="2026-01-09T00:00:00Z", incident_id="a" * 26, verdict="confirm", reason="seen", author="ann")
    world.broker.append(Partition("control", 0), encode(said), 1)
    world.broker.append(Partition("control", 0), b'{"kind":"feedback","verdict":"maybe"}', 2)
    world.broker.seal("control")
    world.broker.seal("raw")
    await world.ingest()
    for number in range(3):
        (row,) = [at for at, one in enumerate(rows(world, number).activity) if one == Activity.CONTROL]
        assert json.loads(rows(world, number).text("resource", row))["incident_id"] == "a" * 26
    (dead,) = [json.loads(record.value) for record in world.broker.logs[Partition("dead-letters", 0)]]
    assert (dead["role"], dead["stream"], dead["offset"], dead["reason"]) == ("ingest", "control/0", 1, "bad_field")


async def test_no_raw_topic_can_carry_a_control_record() -> None:
    said = Feedback(time="2026-01-09T00:00:00Z", incident_id="a" * 26, verdict="benign", reason="me", author="thief")
    world = await filled([encode(said)])
    assert not (rows(world).activity == Activity.CONTROL).any()
    assert len(world.broker.logs[Partition("dead-letters", 0)]) == 1


async def test_what_cannot_be_read_is_a_dead_letter_before_anything_is_committed(values: list[bytes]) -> None:
    world = await filled([values[0], b"not json \xff secret", values[1]])
    (letter,) = [record.value for record in world.broker.logs[Partition("dead-letters", 0)]]
    dead = json.loads(letter)
    assert (dead["role"], dead["stream"], dead["offset"]) == ("ingest", "raw/0", 1)
    assert b"secret" not in letter
    (rejected,) = [event for event in world.told if isinstance(event, events.RecordsRejected)]
    assert sum(rejected.reasons.values()) == 1
    assert len(plain(rows(world))) >= 2


# --- ticks ---------------------------------------------------------------------------------------------------------


class Idle(MemoryStream):
    """Its end is that of the log, but it says so only after some more fetches."""

    more = 3

    @property
    def ended(self) -> bool:
        return self.more <= 0

    async def fetch(self) -> Fetched:
        found = await super().fetch()
        if not found.records and found.assignment is None:
            self.more -= 1
        return found


@pytest.fixture
def always_ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.runtime.ingest.TICK_SECONDS", (0.0, 0.0))


@pytest.mark.usefixtures("always_ticking")
async def test_a_raw_partition_at_its_end_is_spoken_for_in_every_partition(values: list[bytes]) -> None:
    world = World(raw=2, uses=2)
    world.fill(values)
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest", batch=500))
    for number in range(2):
        found = rows(world, number)
        last = found.take(found.activity == Activity.TICK).take(slice(-2, None))
        assert set(last.raw_offset.tolist()) == {len(values) // 2}
        for identity, time in zip(last.raw_partition.tolist(), last.time.tolist(), strict=True):
            mine = [plain(rows(world, at)) for at in range(2)]
            events_of = np.concatenate([one.time[one.raw_partition == identity] for one in mine])
            appended = max(int(one.append_time[one.raw_partition == identity].max(initial=0)) for one in mine)
            assert time == int(events_of.max()) + (round((NOW + 3600) * SECOND) - appended)


@pytest.mark.usefixtures("always_ticking")
async def test_one_that_is_behind_is_said_to_be_no_further_than_it_is(values: list[bytes]) -> None:
    world = World()
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest()
    found = rows(world)
    newest = 0
    for activity, time, offset in zip(found.activity, found.time, found.raw_offset, strict=True):
        if activity < Activity.TICK:
            newest = max(newest, int(time))
        elif offset < len(values):
            assert time <= max(newest, 1_136_073_600 * SECOND)


@pytest.mark.usefixtures("always_ticking")
async def test_a_new_owner_speaks_for_an_idle_partition_as_the_old_one_did(values: list[bytes]) -> None:
    world = World()
    world.fill(values)
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest", batch=500))
    before = rows(world)
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest", batch=500))
    found = rows(world).take(slice(len(before), None))
    assert (found.activity == Activity.TICK).all()
    assert set(found.time.tolist()) == {int(before.time[before.activity == Activity.TICK].max())}


@pytest.mark.usefixtures("always_ticking")
async def test_an_empty_raw_partition_says_nothing() -> None:
    world = World()
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest"))
    assert world.broker.logs[Partition("uses", 0)] == []


@pytest.mark.usefixtures("always_ticking")
async def test_nothing_is_said_of_a_raw_partition_whose_end_is_not_known(values: list[bytes]) -> None:
    class Away(Idle):
        """The broker has gone, and nobody knows what it has got since."""

        @property
        def ends(self) -> Mapping[Partition, int]:
            return {}

    world = World()
    world.fill(values[:20])
    await world.ingest(Away(world.broker, ["raw", "control"], "detector-ingest"))
    assert not (rows(world).activity == Activity.TICK).any()


# --- when it is ready ----------------------------------------------------------------------------------------------


async def test_it_is_ready_once_it_knows_which_partitions_it_has() -> None:
    world, health, seen = World(), Health(), list[str]()

    class Joining(Idle):
        """The group takes its time."""

        waits = 2

        async def fetch(self) -> Fetched:
            seen.append(health.unready())
            if self.waits > 0:
                self.waits -= 1
                return Fetched()
            return await super().fetch()

    stream = Joining(world.broker, ["raw", "control"], "detector-ingest")
    async with stream, MemoryWriter(world.broker) as writer:
        await Ingest(
            world.settings, stream=stream, writer=writer, observe=world.told.append, health=health, clock=lambda: NOW
        ).run(Stop())
    assert seen[:4] == ["starting", "starting", "starting", ""]


# --- where it begins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "left"), [("earliest", 40), ("latest", 0), ("2026-01-08T19:20:00.200Z", 21)])
async def test_a_first_start_begins_where_it_is_told_to(values: list[bytes], start: str, left: int) -> None:
    world = World(Settings(kafka=Kafka(raw={"raw": RawTopic(start=start)})))
    world.fill(values[:40])
    world.broker.seal("raw")
    await world.ingest()
    offsets = (
        {offset for _, offset, _ in positions(plain(rows(world)))} if world.broker.logs[Partition("uses", 0)] else set()
    )
    assert offsets == set(range(40 - left, 40))


async def test_a_later_start_goes_on_whatever_start_says(values: list[bytes]) -> None:
    world = World(Settings(kafka=Kafka(raw={"raw": RawTopic(start="latest")})))
    world.fill(values[:10])
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest"))
    world.fill(values[10:20])
    world.broker.seal("raw")
    await world.ingest()
    assert {offset for _, offset, _ in positions(plain(rows(world)))} == set(range(10, 20))


async def test_where_a_first_start_begins_is_stored_before_anything_is_read(values: list[bytes]) -> None:
    class Dying(MemoryStream):
        """The process dies before it has read a record."""

        joining = 2

        async def fetch(self) -> Fetched:
            self.joining -= 1
            if self.joining == 1:
                return Fetched()
            if self.joining < 0:
                raise ConfigError("crash")
            return await super().fetch()

    world = World(Settings(kafka=Kafka(raw={"raw": RawTopic(start="latest")})))
    world.fill(values[:10])
    with pytest.raises(ConfigError, match="crash"):
        await world.ingest(Dying(world.broker, ["raw", "control"], "detector-ingest"))
    world.fill(values[10:20])
    world.broker.seal("raw")
    await world.ingest()
    assert {offset for _, offset, _ in positions(plain(rows(world)))} == set(range(10, 20))


async def test_a_rebalance_in_the_middle_repeats_from_the_commit_and_loses_nothing(values: list[bytes]) -> None:
    class Rebalanced(MemoryStream):
        """After the third fetch the group gives its partitions anew."""

        fetches = 0

        async def fetch(self) -> Fetched:
            self.fetches += 1
            if self.fetches == 4:
                self._told = False
            return await super().fetch()

    world = World(raw=2)
    world.fill(values)
    world.broker.seal("raw")
    await world.ingest(Rebalanced(world.broker, ["raw", "control"], "detector-ingest", batch=300))
    found, once = plain(rows(world)), plain(rows(await filled(values, raw=2)))
    assert len(found) > len(once)
    assert set(positions(found)) == set(positions(once))
    assert world.committed("ingest")[Partition("raw", 0)] == len(values) // 2


async def test_a_commit_that_another_member_has_overtaken_stops_nothing(values: list[bytes]) -> None:
    class Overtaken(MemoryStream):
        refused = 2

        async def commit(self, positions: Mapping[Partition, Position]) -> bool:
            self.refused -= 1
            return self.refused < 0 and await super().commit(positions)

    world = World()
    world.fill(values[:100])
    world.broker.seal("raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detector.runtime.ingest.COMMIT_SECONDS", 0.0)
        await world.ingest(Overtaken(world.broker, ["raw", "control"], "detector-ingest", batch=20))
    assert world.committed("ingest")[Partition("raw", 0)] == 100


async def test_a_raised_generation_begins_anew_and_nothing_is_taken_for_a_repeat(values: list[bytes]) -> None:
    world = World()
    world.fill(values[:10])
    await world.ingest(Idle(world.broker, ["raw", "control"], "detector-ingest"))
    world.settings = Settings(kafka=Kafka(raw={"raw": RawTopic(generation=2)}))
    world.broker.seal("raw")
    await world.ingest()
    found = plain(rows(world))
    assert len(np.unique(found.raw_partition)) == 2
    assert len(set(positions(found))) == len(found)


@pytest.mark.parametrize(
    ("earlier", "uses", "said"),
    [
        (
            Position(50),
            1,
            r"raw/0: expected to read on from offset 50, but it ends at 10: .* raise kafka.raw.raw.generation to 2",
        ),
        (Position(5, "[1,4,0,0]"), 1, r"kafka.uses: expected 4 partitions, as when rows were last written, found 1"),
        (Position(5, "[3,1,0,0]"), 1, r"kafka.raw.raw.generation: expected 3 or more, as before, found 1"),
    ],
)
async def test_what_would_lose_or_mistake_records_is_refused(
    values: list[bytes], earlier: Position, uses: int, said: str
) -> None:
    world = World(uses=uses)
    world.fill(values[:10])
    world.broker.committed["detector-ingest", Partition("raw", 0)] = earlier
    with pytest.raises(ConfigError, match=said):
        await world.ingest()


async def test_a_start_that_is_no_time_is_refused(values: list[bytes]) -> None:
    world = World(Settings(kafka=Kafka(raw={"raw": RawTopic(start="yesterday")})))
    world.fill(values[:1])
    with pytest.raises(ConfigError, match=r"kafka.raw.raw.start: expected earliest, latest or an RFC 3339 time"):
        await world.ingest()


async def test_an_absurd_stamp_does_not_carry_a_partition_away(values: list[bytes]) -> None:
    record = json.loads(values[0])
    record["eventTime"] = "2099-01-01T00:00:00Z"
    world = World()
    world.fill([*values[:5], json.dumps(record).encode()])
    world.broker.seal("raw")
    await world.ingest()
    (position,) = [one for (_, at), one in world.broker.committed.items() if at.topic == "raw"]
    time = json.loads(position.note)[2]
    assert time < NOW * SECOND + DAY
