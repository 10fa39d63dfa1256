from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.training.history import History, distinct, known, pair, size

CODES = st.lists(st.integers(0, 5), max_size=60)
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60)


def column(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, np.int32)


@given(CODES)
def test_a_history_counts_and_finds_earlier_rows_as_a_loop_would(keys: list[int]) -> None:
    count: list[int] = []
    first: list[int] = []
    previous: list[int] = []
    seen: dict[int, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        count.append(len(seen[key]))
        previous.append(seen[key][-1] if seen[key] else -1)
        seen[key].append(row)
        first.append(seen[key][0])

    history = History.of(column(keys))

    assert history.count().tolist() == count
    assert history.previous().tolist() == previous
    assert history.first().tolist() == first


@given(ROWS)
def test_running_adds_up_the_rows_of_a_key(rows: list[tuple[int, int]]) -> None:
    expected: list[int] = []
    sums: Counter[int] = Counter()
    for key, value in rows:
        sums[key] += value
        expected.append(sums[key])

    found = History.of(column([key for key, _ in rows])).running(np.array([value for _, value in rows], np.int64))

    assert found.tolist() == expected


@given(ROWS)
def test_distinct_counts_known_values_of_an_owner_once(rows: list[tuple[int, int]]) -> None:
    expected: list[int] = []
    shown: dict[int, set[int]] = defaultdict(set)
    for owner, value in rows:
        shown[owner] |= {value} - {0}
        expected.append(len(shown[owner]))

    found = distinct(column([owner for owner, _ in rows]), column([value for _, value in rows]))

    assert found.tolist() == expected


@given(st.lists(st.tuples(*[st.integers(0, 2**31 - 1) | st.integers(0, 2)] * 3), max_size=40))
def test_a_pair_is_equal_exactly_where_all_its_codes_are(rows: list[tuple[int, int, int]]) -> None:
    key = pair(*(column([row[at] for row in rows]) for at in range(3))).tolist()

    assert [[a == b for b in key] for a in key] == [[a == b for b in rows] for a in rows]


def test_a_value_is_known_where_no_code_is_zero() -> None:
    assert known(column([0, 1, 2, 0]), column([1, 0, 2, 0])).tolist() == [False, False, True, False]


def test_size_adds_the_entries_of_each_column() -> None:
    assert size(column([1, 1, 2]), column([0, 0, 0])) == 3
    assert size() == 0
