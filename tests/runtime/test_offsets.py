from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError
from detector.runtime.offsets import Progress
from detector.stream.base import Bounds, Partition, Position

USES = Partition("uses", 3)


def progress(earliest: int, end: int, committed: int | None = None) -> Progress:
    return Progress.of(USES, Bounds(earliest, end, None if committed is None else Position(committed)))


# --- what must still be there ----------------------------------------------------------------------------------------


def test_a_group_whose_records_are_gone_is_told_to_take_a_new_name() -> None:
    with pytest.raises(ConfigError, match=r"uses/3: .* offset 4, .* give kafka.group a new name"):
        progress(5, 10, 4)


# --- from where on alerts count --------------------------------------------------------------------------------------


def test_a_first_start_tells_everything_from_the_earliest_record() -> None:
    assert progress(5, 10) == Progress(boundary=5, offset=5)
    assert progress(5, 10).is_restored


def test_a_later_start_reads_everything_again_and_is_restored_once_it_passes_what_was_committed() -> None:
    found = progress(5, 10, 8)
    seen = []
    while found.offset < 10:
        seen.append(found.is_restored)
        found.offset += 1

    assert seen == [False, False, False, True, True]


def test_one_that_committed_the_earliest_retained_record_has_nothing_to_replay() -> None:
    assert progress(8, 10, 8).is_restored


def test_an_empty_partition_is_restored() -> None:
    assert progress(0, 0).is_restored
    assert not progress(0, 0).is_ahead


def test_a_replay_stores_nothing_until_it_is_past_the_boundary() -> None:
    found = progress(0, 10, 8)
    ahead = []
    for offset in range(11):
        found.offset = offset
        ahead.append(found.is_ahead)

    assert ahead == [False] * 9 + [True] * 2


def test_where_reading_starts_is_not_taken_for_something_delivered() -> None:
    assert not progress(7, 10).is_ahead


def test_what_is_stored_is_not_stored_again() -> None:
    found = progress(0, 10, 8)
    found.offset = 10
    found.stored = found.offset

    assert not found.is_ahead


@given(st.integers(0, 50), st.integers(0, 50), st.none() | st.integers(0, 50), st.lists(st.integers(1, 9)))
def test_what_is_stored_only_grows_and_never_passes_what_was_read(
    earliest: int, length: int, beyond: int | None, steps: list[int]
) -> None:
    committed = None if beyond is None else min(earliest + beyond, earliest + length)
    found = progress(earliest, earliest + length, committed)
    stored = committed if committed is not None else earliest
    for step in steps:
        found.offset += step
        if found.is_ahead:
            assert found.is_restored
            assert stored < found.offset
            stored = found.stored = found.offset

    assert found.stored == stored == max(stored, found.offset if found.is_restored else stored)
