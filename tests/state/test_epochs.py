from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import DAY, HOUR, I64, MINUTE, SECOND, Flag, UseBatch, UseRow
from detector.state.epochs import (
    AHEAD,
    EPOCH_ROWS,
    FURTHEST,
    LATENESS,
    SILENT,
    Epochs,
    Positions,
    Redeliveries,
    Watermark,
)
from tests.rows import START, batch_of, row

CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def pieces(batch: UseBatch, sizes: list[int]) -> list[UseBatch]:
    """A batch cut into these sizes, taken in turn."""
    found: list[UseBatch] = []
    start = 0
    while start < len(batch):
        size = sizes[len(found) % len(sizes)]
        found.append(batch.take(slice(start, start + size)))
        start += size
    return found


# --- positions -------------------------------------------------------------------------------------------------------

POSITIONS = st.lists(
    st.builds(
        lambda partition, offset, at: row(raw_partition=partition, raw_offset=offset, row=at),
        st.integers(0, 2),
        st.one_of(st.integers(0, 5), st.integers(0, 2**60)),
        st.one_of(st.integers(0, 3), st.integers(0, 2**31 - 1)),
    ),
    max_size=25,
)


@given(POSITIONS, CUTS)
def test_a_row_counts_exactly_if_it_stands_above_all_before_it_in_its_raw_partition(
    rows: list[UseRow], sizes: list[int]
) -> None:
    highest: dict[int, tuple[int, int]] = {}
    expected = []
    for one in rows:
        position = (one.raw_offset, one.row)
        expected.append(position > highest.get(one.raw_partition, (-1, 0)))
        highest[one.raw_partition] = max(position, highest.get(one.raw_partition, (-1, 0)))
    positions = Positions()

    found = [fresh for piece in pieces(batch_of(*rows), sizes) for fresh in positions.fresh(piece).tolist()]

    assert found == expected
    whole = Positions()
    whole.fresh(batch_of(*rows))
    assert positions.digest() == whole.digest()


def test_the_rows_of_one_huge_record_hide_nothing_of_the_next() -> None:
    """A compressed message may hold millions of uses."""
    rows = [row(raw_offset=3, row=1 << 20), row(raw_offset=3, row=1 << 25), row(raw_offset=4, row=0)]

    assert Positions().fresh(batch_of(*rows)).all()


def test_other_positions_are_another_digest() -> None:
    one, other = Positions(), Positions()
    one.fresh(batch_of(row(raw_offset=3)))
    other.fresh(batch_of(row(raw_offset=3, row=1)))

    assert one.digest() != other.digest() != Positions().digest()


# --- redeliveries ----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b"])
REPEATED = st.lists(
    st.builds(
        lambda native, source, credential, address, action, at, index, activity: UseRow(
            native, source, at, credential=credential, address=address, action=action, use_index=index,
            activity=activity,
        ),
        WORDS, WORDS, WORDS, WORDS, WORDS, st.integers(0, 1), st.integers(0, 1), st.integers(0, 1),
    ),
    max_size=40,
)  # fmt: skip


@given(REPEATED, CUTS)
def test_a_use_counts_the_first_time_it_is_delivered(rows: list[UseRow], sizes: list[int]) -> None:
    redeliveries = Redeliveries()
    expected = [one not in rows[:at] for at, one in enumerate(rows)]

    assert [new for piece in pieces(batch_of(*rows), sizes) for new in redeliveries.fresh(piece).tolist()] == expected


def test_the_same_use_is_recognised_at_another_position() -> None:
    redeliveries = Redeliveries()

    assert redeliveries.fresh(batch_of(row(raw_offset=1, append_time=START, digest=1))).all()
    assert not redeliveries.fresh(batch_of(row(raw_offset=9, raw_partition=2, append_time=1, digest=2))).any()


def numbered(start: int, rows: int = EPOCH_ROWS) -> UseBatch:
    """Uses with the native ids `start`, `start` + 1, …"""
    batch = batch_of(row()).take(np.zeros(rows, np.intp))
    batch.native_id[:] = [str(number) for number in range(start, start + rows)]
    return batch


def test_redeliveries_are_recognised_over_two_bounded_windows_that_turn_at_closes() -> None:
    redeliveries, most = Redeliveries(), 0
    for start in range(0, 300_000, EPOCH_ROWS):
        assert redeliveries.fresh(numbered(start)).all()
        redeliveries.turn()
        most = max(most, len(redeliveries._now) + len(redeliveries._before))
        oldest = start + EPOCH_ROWS - 65_536  # of the last 65,536 rows
        assert not redeliveries.fresh(numbered(max(oldest, 0), 10)).any()

    assert most <= 2 * (65_536 + EPOCH_ROWS)
    assert redeliveries.fresh(numbered(0, 10)).all(), "long forgotten"


@given(REPEATED, CUTS)
def test_the_digest_of_what_was_seen_does_not_depend_on_cuts(rows: list[UseRow], sizes: list[int]) -> None:
    whole, cut = Redeliveries(), Redeliveries()
    whole.fresh(batch_of(*rows))
    for piece in pieces(batch_of(*rows), sizes):
        cut.fresh(piece)

    assert cut.digest() == whole.digest()


# --- watermark -------------------------------------------------------------------------------------------------------

TIMED = st.lists(
    st.builds(
        lambda at, partition, append, flags: row(
            at * MINUTE, raw_partition=partition, append_time=START + append * MINUTE if append else 0, flags=flags
        ),
        st.integers(0, 90),
        st.integers(0, 2),
        st.integers(0, 90),
        st.sampled_from([0, 0, 0, Flag.TS_SUSPECT]),
    ),
    max_size=25,
)
NEVER = -(1 << 62)


def watermarks(*rows: UseRow, sizes: list[int] | None = None) -> list[int]:
    """The watermark after each row."""
    watermark = Watermark()
    return [value for piece in pieces(batch_of(*rows), sizes or [1_000]) for value in watermark.advance(piece).tolist()]


@given(TIMED, CUTS)
def test_the_watermark_is_the_slowest_active_partition_less_ten_minutes(rows: list[UseRow], sizes: list[int]) -> None:
    events: dict[int, int] = {}
    appends: dict[int, int] = {}
    value, expected = NEVER, []
    for one in rows:
        at = one.raw_partition
        appends[at] = max(appends.get(at, 0), one.append_time)
        if not one.flags:
            event = min(one.time, one.append_time + AHEAD) if one.append_time else one.time
            events[at] = max(events.get(at, NEVER), event)
        newest = max(appends.values())
        active = [event for at, event in events.items() if not appends[at] or newest - appends[at] <= SILENT]
        value = max([value, max(min(active), max(active) - FURTHEST) - LATENESS] if active else [value])
        expected.append(value)

    assert watermarks(*rows, sizes=sizes) == expected


@given(TIMED)
def test_the_watermark_never_goes_back(rows: list[UseRow]) -> None:
    found = watermarks(*rows)

    assert found == sorted(found)


def test_a_stamp_that_is_not_believed_moves_no_watermark() -> None:
    assert watermarks(row(0), row(400 * DAY, flags=Flag.TS_SUSPECT), row(SECOND)) == [
        START - LATENESS,
        START - LATENESS,
        START + SECOND - LATENESS,
    ]
    assert watermarks(row(400 * DAY, flags=Flag.TS_SUSPECT)) == [NEVER]


def test_an_event_counts_at_most_five_minutes_ahead_of_its_append_time() -> None:
    assert watermarks(row(DAY, append_time=START)) == [START + 5 * MINUTE - LATENESS]
    assert watermarks(row(4 * MINUTE, append_time=START)) == [START + 4 * MINUTE - LATENESS]


def test_a_partition_that_is_silent_for_a_minute_holds_nobody_up() -> None:
    def busy(seconds: int) -> UseRow:
        return row(HOUR + seconds * SECOND, raw_partition=1, append_time=START + HOUR + seconds * SECOND)

    slow = row(0, raw_partition=0, append_time=START + HOUR)
    back = row(SECOND, raw_partition=0, append_time=START + HOUR + 62 * SECOND)
    found = watermarks(slow, busy(0), busy(60), busy(61), back)

    assert found[:3] == [START - LATENESS] * 3
    assert found[3] == found[4] == START + HOUR + 61 * SECOND - LATENESS, "and its return turns nothing back"


def test_without_append_times_every_partition_of_a_file_counts() -> None:
    assert watermarks(row(0, raw_partition=0), row(HOUR, raw_partition=1))[-1] == START - LATENESS


def test_a_partition_that_is_far_behind_holds_time_back_by_six_hours_and_no_more() -> None:
    """The last record of a quiet topic told of last week, and ticks keep it active."""
    assert FURTHEST == 6 * HOUR
    assert watermarks(row(0, raw_partition=0), row(DAY, raw_partition=1))[-1] == START + DAY - FURTHEST - LATENESS


def test_no_row_moves_nothing() -> None:
    watermark = Watermark()

    assert watermark.advance(batch_of()).tolist() == []
    assert watermark.value == NEVER


@given(TIMED, CUTS)
def test_the_digest_of_time_does_not_depend_on_cuts(rows: list[UseRow], sizes: list[int]) -> None:
    whole, cut = Watermark(), Watermark()
    whole.advance(batch_of(*rows))
    for piece in pieces(batch_of(*rows), sizes):
        cut.advance(piece)

    assert cut.digest() == whole.digest()


# --- epochs ----------------------------------------------------------------------------------------------------------


def closes(epochs: Epochs, watermark: I64, sizes: list[int]) -> list[int]:
    """Number of rows before each close, while the rows come in these sizes; checks that slices cover them in order."""
    found, start = [], 0
    for turn in range(len(watermark)):
        part = watermark[start : start + sizes[turn % len(sizes)]]
        covered = 0
        for piece, closed in epochs.cut(part, np.ones(len(part), np.bool_)):
            assert piece.start == covered < piece.stop
            covered = piece.stop
            if closed:
                found.append(start + piece.stop)
        assert covered == len(part)
        start += len(part)
    return found


@given(st.lists(st.integers(0, 3), max_size=40), CUTS, st.integers(1, 6))
def test_an_epoch_closes_after_so_many_rows_or_with_the_row_that_enters_a_new_bucket(
    steps: list[int], sizes: list[int], limit: int
) -> None:
    watermark = START + np.cumsum(np.array(steps, np.int64) // 2) * LATENESS
    expected, rows = [], 0
    for at in range(len(watermark)):
        rows += 1
        if rows == limit or (at and watermark[at] // LATENESS != watermark[at - 1] // LATENESS):
            expected.append(at + 1)
            rows = 0
    cut, whole = Epochs(limit), Epochs(limit)

    assert closes(cut, watermark, sizes) == expected
    assert closes(whole, watermark, [1_000]) == expected
    assert cut.digest() == whole.digest()
    assert cut.closed == len(expected)


@pytest.mark.parametrize(
    ("watermark", "expected"),
    [
        (np.full(2 * EPOCH_ROWS + 5, START), [EPOCH_ROWS, 2 * EPOCH_ROWS]),
        (np.array([START, START + LATENESS - 1, START + LATENESS, START + LATENESS]), [3]),
        (np.array([NEVER, NEVER, START, START]), [3]),
        (np.array([START + DAY]), []),
    ],
)
def test_it_closes_after_4096_rows_and_every_ten_minutes(watermark: I64, expected: list[int]) -> None:
    assert closes(Epochs(), watermark, [100_000]) == expected


def test_an_empty_batch_cuts_nothing() -> None:
    assert list(Epochs().cut(np.zeros(0, np.int64), np.zeros(0, np.bool_))) == []


@given(st.lists(st.booleans(), max_size=30), CUTS, st.integers(1, 4))
def test_rows_that_do_not_count_fill_no_epoch(counted: list[bool], sizes: list[int], limit: int) -> None:
    expected, rows = [], 0
    for at, counts in enumerate(counted):
        rows += counts
        if rows == limit:
            expected.append(at + 1)
            rows = 0
    epochs, found, start, turn = Epochs(limit), [], 0, 0
    while start < len(counted):
        part = np.array(counted[start : start + sizes[turn % len(sizes)]], np.bool_)
        found += [start + piece.stop for piece, closed in epochs.cut(np.full(len(part), START), part) if closed]
        start, turn = start + len(part), turn + 1
    assert found == expected
