from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.decode import RawRecord
from detector.runtime.offsets import Positions


def records(partition: int, *offsets: int) -> list[RawRecord]:
    return [RawRecord(b"{}", f"raw/{partition}", offset, partition) for offset in offsets]


def test_what_an_earlier_run_committed_is_silent_and_the_rest_is_not() -> None:
    positions = Positions({0: 10})
    assert positions.silent(0, 9)
    assert not positions.silent(0, 10)
    assert not positions.silent(1, 0)


def test_a_first_start_is_restored_at_once() -> None:
    assert Positions({}).restored
    assert Positions({0: 0}).restored


def test_a_topic_whose_records_all_expired_is_restored_although_nothing_is_read() -> None:
    positions = Positions({0: 10}, first={0: 10})
    assert positions.restored
    assert positions.committable() == {}


def test_where_reading_starts_is_not_taken_for_something_delivered() -> None:
    assert Positions({}, first={0: 7}).committable() == {}


def test_a_replay_is_restored_when_every_partition_has_passed_its_boundary() -> None:
    positions = Positions({0: 2, 1: 1})
    positions.delivered(records(0, 0, 1))
    assert not positions.restored
    positions.delivered(records(1, 0))
    assert positions.restored


def test_a_replay_commits_nothing_until_it_is_past_the_boundary() -> None:
    positions = Positions({0: 10})
    positions.delivered(records(0, 8, 9))
    assert positions.committable() == {}
    positions.delivered(records(0, 10))
    assert positions.committable() == {0: 11}


def test_what_is_committed_is_not_committed_again() -> None:
    positions = Positions({})
    positions.delivered(records(0, 4))
    positions.committed({0: 5})
    assert positions.committable() == {}


def test_the_boundary_stays_where_it_was_at_the_start() -> None:
    positions = Positions({0: 1})
    positions.delivered(records(0, 1, 2))
    positions.committed(positions.committable())
    assert not positions.silent(0, 2)


@given(
    st.dictionaries(st.integers(0, 3), st.integers(0, 50)), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)))
)
def test_commits_only_move_forward_and_never_past_what_was_delivered(
    start: dict[int, int], batches: list[tuple[int, int]]
) -> None:
    positions, stored = Positions(start), dict(start)
    read: dict[int, int] = {}
    for partition, length in batches:
        first = read.get(partition, 0)
        read[partition] = first + length
        positions.delivered(records(partition, *range(first, first + length)))
        for at, offset in (ahead := positions.committable()).items():
            assert stored.get(at, 0) < offset <= read[at]
        positions.committed(ahead)
        stored.update(ahead)
    assert all(stored[at] == max(start.get(at, 0), offset) for at, offset in read.items())
