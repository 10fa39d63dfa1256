from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import DAY, HOUR, MINUTE, Activity, Flag, UseRow
from detector.errors import ConfigError
from detector.records import EARLIEST
from detector.runtime.reading import Beginning, Note, RawPartition, beginning
from detector.settings import RawTopic
from detector.state.epochs import AHEAD
from detector.stream.base import Bounds, Partition, Position
from tests.rows import START, batch_of, row

RAW = Partition("raw", 3)
NOW = START + DAY


def owned(offset: int = 10, time: int = 0, append_time: int = 0) -> RawPartition:
    return RawPartition(RAW, 1, offset, time, append_time)


def spoken(partition: RawPartition, now: int, end: int) -> UseRow:
    found = partition.tick(now, end)
    assert found is not None
    return found


# --- what its rows call it -------------------------------------------------------------------------------------------


def test_a_topic_a_number_and_a_generation_have_a_name_that_no_other_has() -> None:
    parts = [
        RawPartition(Partition(topic, number), generation, 0)
        for topic in ("raw", "raw1", "raw-1")
        for number in range(20)
        for generation in range(1, 21)
    ]

    assert len({part.identity for part in parts}) == len(parts)
    assert all(0 <= part.identity < 2**63 for part in parts)


def test_the_name_is_the_same_for_every_owner_and_in_every_version() -> None:
    assert owned(5).identity == owned(9, NOW, NOW).identity == 137_010_993_675_017_680


# --- how far its event time has come ---------------------------------------------------------------------------------


def test_its_time_is_the_largest_that_has_passed() -> None:
    partition = owned()
    partition.passed(batch_of(row(HOUR, append_time=START + HOUR), row(MINUTE, append_time=START + 2 * HOUR)))
    partition.passed(batch_of(row(0, append_time=START)))

    assert (partition.time, partition.append_time) == (START + HOUR, START + 2 * HOUR)


def test_a_stamp_that_is_suspect_or_ahead_of_the_broker_moves_it_no_further_than_is_believed() -> None:
    partition = owned()
    partition.passed(batch_of(row(9 * DAY, append_time=START), row(8 * DAY, append_time=START, flags=Flag.TS_SUSPECT)))

    assert partition.time == START + AHEAD


def test_records_without_append_times_are_believed() -> None:
    partition = owned()
    partition.passed(batch_of(row(9 * DAY)))

    assert (partition.time, partition.append_time) == (START + 9 * DAY, 0)


def test_only_suspect_rows_or_none_move_nothing() -> None:
    partition = owned(time=7, append_time=9)
    partition.passed(batch_of(row(0, flags=Flag.TS_SUSPECT)))
    partition.passed(batch_of())

    assert (partition.time, partition.append_time) == (7, 9)


# --- ticks -----------------------------------------------------------------------------------------------------------


def test_at_its_end_time_goes_on_by_as_much_as_its_append_times_would_have() -> None:
    tick = spoken(owned(10, START, START + MINUTE), now=START + HOUR, end=10)

    assert tick.time == START + HOUR - MINUTE
    assert (tick.raw_offset, tick.append_time) == (10, START + HOUR)
    assert (tick.activity, tick.raw_partition) == (Activity.TICK, owned().identity)


def test_behind_its_end_it_is_said_to_be_where_it_is() -> None:
    tick = spoken(owned(10, START, START + MINUTE), now=START + HOUR, end=11)

    assert (tick.time, tick.append_time) == (START, START + HOUR)


def test_one_that_is_behind_and_of_which_nothing_is_known_asks_to_be_waited_for() -> None:
    assert spoken(owned(0), now=NOW, end=1).time == EARLIEST


def test_one_of_which_nothing_is_known_and_that_has_nothing_is_silent() -> None:
    assert owned(0).tick(NOW, 0) is None
    assert owned(7).tick(NOW, 7) is None


def test_one_that_had_only_rows_without_a_believed_time_stays_at_the_beginning_of_time() -> None:
    assert spoken(owned(10, 0, START), now=NOW, end=10).time == EARLIEST


def test_a_clock_that_is_behind_the_brokers_takes_no_time_back() -> None:
    tick = spoken(owned(10, START, START + HOUR), now=START, end=10)

    assert (tick.time, tick.append_time) == (START, START + HOUR)


@given(st.lists(st.integers(0, DAY), min_size=2, max_size=20), st.booleans())
def test_ticks_of_one_partition_never_go_back_and_never_pass_the_clock(gone: list[int], behind: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
    partition = owned(10, START, START + MINUTE)
    ticks = [spoken(partition, START + MINUTE + now, 10 + behind) for now in sorted(gone)]

    assert [tick.time for tick in ticks] == sorted(tick.time for tick in ticks)
    assert all(START <= tick.time <= START + now for tick, now in zip(ticks, sorted(gone), strict=True))


# --- notes -----------------------------------------------------------------------------------------------------------


def test_the_note_of_a_commit_makes_the_next_owner_speak_as_this_one_would() -> None:
    mine = owned(10, START, START + MINUTE)
    found = beginning(RAW, Bounds(0, 10, mine.position(8)), RawTopic(), 8)
    assert found == Beginning(10, note=Note(1, 8, START, START + MINUTE))
    assert found.note is not None
    theirs = RawPartition(RAW, found.note.generation, found.offset, found.note.time, found.note.append_time)

    assert theirs.tick(NOW, 10) == mine.tick(NOW, 10)


def test_a_note_is_short_enough_for_any_broker() -> None:
    largest = RawPartition(RAW, 1_000_000, 2**62, 2**62, 2**62).position(1_000_000)

    assert len(largest.note) < 100


# --- where to begin --------------------------------------------------------------------------------------------------


def position(offset: int, *note: int) -> Position:
    return Position(offset, msgspec.json.encode(note).decode())


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("earliest", Beginning(5)),
        ("latest", Beginning(20)),
        ("2026-01-05T00:00:00Z", Beginning(5, time=START)),
        ("2026-01-05T01:00:00.000250+01:00", Beginning(5, time=START + 250)),
    ],
)
def test_a_first_start_begins_where_the_topic_says(start: str, expected: Beginning) -> None:
    assert beginning(RAW, Bounds(5, 20), RawTopic(start=start), 4) == expected


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_a_later_start_goes_on_whatever_the_topic_says(start: str) -> None:
    found = beginning(RAW, Bounds(5, 20, position(9, 1, 4, 7, 8)), RawTopic(start=start), 4)

    assert found == Beginning(9, note=Note(1, 4, 7, 8))


def test_a_raised_generation_begins_anew_though_records_are_gone_or_uses_has_other_partitions() -> None:
    for gone in (position(2, 1, 4), position(99, 1, 4), position(9, 1, 8)):
        assert beginning(RAW, Bounds(5, 20, gone), RawTopic(generation=2), 4) == Beginning(5)


@pytest.mark.parametrize("note", ["", "written by hand", "{}", '["a"]'])
def test_a_commit_that_others_made_is_gone_on_from(note: str) -> None:
    found = beginning(RAW, Bounds(5, 20, Position(9, note)), RawTopic(generation=3), 4)

    assert found == Beginning(9, note=Note(3, 4))


@pytest.mark.parametrize(
    ("committed", "generation", "uses", "said"),
    [
        (position(2, 1, 4), 1, 4, r"offset 2, .* 3 unread records .* raise kafka\.raw\.raw\.generation to 2: reading"),
        (position(21, 7, 4), 7, 4, r"offset 21, but it ends at 20: .* raise kafka\.raw\.raw\.generation to 8: reading"),
        (position(9, 3, 4), 2, 4, r"^kafka\.raw\.raw\.generation: expected 3 or more, as before, found 2$"),
        (position(9, 1, 8), 1, 4, r"^kafka\.uses: expected 8 partitions, .* found 4: .* raise kafka\.raw\.raw\."),
    ],
)
def test_what_would_lose_or_mistake_records_is_refused(
    committed: Position, generation: int, uses: int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        beginning(RAW, Bounds(5, 20, committed), RawTopic(generation=generation), uses)


def test_a_start_that_is_no_time_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^kafka\.raw\.raw\.start: expected earliest, latest or an RFC 3339 time"):
        beginning(RAW, Bounds(0, 0), RawTopic(start="yesterday"), 1)


def test_a_start_without_a_zone_is_utc_wherever_the_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        said = [
            beginning(RAW, Bounds(0, 9), RawTopic(start=start), 1) for start in ("2026-01-05", "2026-01-05T00:00:00Z")
        ]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert said == [Beginning(0, time=1_767_571_200_000_000)] * 2
