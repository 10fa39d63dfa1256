from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import I64
from detector.state.rates import KNOWN, STRANGE, RateTable
from tests.rows import bytes_a_row, keys

LESSONS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 50), st.integers(0, 50), st.integers(0, 50)), max_size=20
)


def numbers(*values: int) -> I64:
    return np.array(values, np.int64)


def learn(table: RateTable, key: int, uses: int, known: int = 0, strange: int = 0) -> None:
    table.learn(keys(key), numbers(uses), np.array([[known, strange]]))


def rate(table: RateTable, key: int, kind: int, prior: float = 0.0, weight: int = 50) -> float:
    return float(table.rate(keys(key), numbers(kind), np.array([prior]), weight)[0])


@given(LESSONS)
def test_the_rate_is_returns_among_uses_drawn_to_the_prior(lessons: list[tuple[int, int, int, int]]) -> None:
    table = RateTable(100)
    for lesson in lessons:
        learn(table, *lesson)
    for key in range(5):
        uses, *returns = (sum(one[at] for one in lessons if one[0] == key) for at in (1, 2, 3))
        for kind in (KNOWN, STRANGE):
            assert rate(table, key, kind, prior=0.01) == (returns[kind] + 50 * 0.01) / (uses + 50)


@given(LESSONS, st.integers(0, 20))
def test_counts_learnt_apart_are_those_learnt_together(lessons: list[tuple[int, int, int, int]], cut: int) -> None:
    apart, together = RateTable(100), RateTable(100)
    for part in (lessons[:cut], lessons[cut:]):
        for key in {one[0] for one in part}:
            sums = (sum(one[at] for one in part if one[0] == key) for at in (1, 2, 3))
            learn(together, key, *sums)
    for lesson in lessons:
        learn(apart, *lesson)

    assert apart.digest() == together.digest()


def test_large_counts_are_halved_so_that_old_habits_fade() -> None:
    table = RateTable(100)
    learn(table, 1, (1 << 20) - 1, known=1_000, strange=10)
    assert rate(table, 1, KNOWN, weight=1) == 1_000 / (1 << 20)
    learn(table, 1, 1)

    slot = table.find(keys(1))
    assert table.uses[slot].tolist() == [1 << 19]
    assert table.returns[slot].tolist() == [[500, 5]]


def test_many_keys_are_learnt_and_looked_up_at_once() -> None:
    table = RateTable(100)
    table.learn(keys(1, 2), numbers(10, 20), np.array([[1, 0], [0, 4]]))

    found = table.rate(keys(2, 1, 3), numbers(STRANGE, KNOWN, KNOWN), np.array([0.0, 0.0, 0.5]), 10)

    assert found.tolist() == pytest.approx([4 / 30, 1 / 20, 0.5])


def test_over_the_limit_the_least_used_is_forgotten_first() -> None:
    table = RateTable(16)
    for key in range(20):
        learn(table, key, uses=100 - key)

    assert sorted(int(key) for key in table.index.keys[table.forget()]) == [15, 16, 17, 18, 19]


def test_a_rate_takes_at_most_sixty_four_bytes() -> None:
    assert bytes_a_row(RateTable(4_096)) <= 64
