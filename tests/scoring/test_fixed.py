from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.scoring.fixed import CELL, HALF_LIFE_DAYS, NAT, decayed, elapsed_hours, nats

POSITIVE = st.floats(min_value=1e-300, max_value=1e300)
HOUR_OF_MONDAY = 491_000  # hours since 1970, more than 2**16


def one(x: float) -> int:
    return int(nats(np.array([x]))[0])


@given(POSITIVE)
def test_a_logarithm_is_within_two_thousandths_of_a_nat(x: float) -> None:
    """Half a quantum from each of two rounded tables, and the width of a mantissa step: at most 1/1024 + 1/16384."""
    assert abs(one(x) / NAT - math.log(x)) < 2e-3


@pytest.mark.parametrize(("x", "quanta"), [(1.0, 0), (2.0, 710), (0.5, -710), (math.e, 1024), (1e-9, -21221)])
def test_known_logarithms(x: float, quanta: int) -> None:
    """1024·ln 2 = 709.78, 1024·ln 1e-9 = -21220.6; a quantum of rounding is allowed."""
    assert one(x) == pytest.approx(quanta, abs=1)


@given(st.lists(POSITIVE, min_size=1, max_size=40), st.data())
def test_a_logarithm_does_not_depend_on_where_its_number_stands(xs: list[float], data: st.DataObject) -> None:
    """Vectorised logarithms differ by a bit in the tail of an array; these must not."""
    start = data.draw(st.integers(0, len(xs) - 1))
    stop = data.draw(st.integers(start + 1, len(xs)))
    whole = nats(np.array(xs))

    assert whole.tolist() == [one(x) for x in xs]
    assert nats(np.array(xs)[start:stop]).tolist() == whole[start:stop].tolist()
    assert nats(np.array(xs)[::-2]).tolist() == whole[::-2].tolist()


@given(POSITIVE, POSITIVE)
def test_a_logarithm_never_falls_while_its_number_rises(x: float, y: float) -> None:
    low, high = sorted((x, y))
    assert one(low) <= one(high)


@given(st.integers(-32_767, 32_767), st.integers(0, 1 << 21))
def test_elapsed_hours_are_right_across_the_wrap_of_sixteen_bits(gap: int, then: int) -> None:
    now = np.array([(then + gap) & 0xFFFF])
    assert elapsed_hours(now, np.array([then & 0xFFFF])).tolist() == [gap]


def left(count: int, days: float) -> int:
    now = np.array([HOUR_OF_MONDAY + round(24 * days)])
    return int(decayed(np.array([count]), np.array([HOUR_OF_MONDAY & 0xFFFF]), now)[0])


def test_a_count_halves_every_fourteen_days() -> None:
    cells = 64 * CELL
    assert [left(cells, HALF_LIFE_DAYS * k) for k in range(4)] == [cells, cells // 2, cells // 4, cells // 8]


def test_a_count_decays_in_whole_days() -> None:
    assert left(100 * CELL, 23 / 24) == 100 * CELL
    assert left(100 * CELL, 1) == left(100 * CELL, 47 / 24) < 100 * CELL


def test_a_late_row_finds_no_more_than_was_counted() -> None:
    assert left(7 * CELL, -3) == 7 * CELL


def test_a_count_of_long_ago_is_gone() -> None:
    """A year is 26 half-lives: 65,535 / 2**26 is less than one unit. Hours are told apart for 2**15 of them."""
    assert left(0xFFFF, 365) == 0
    assert left(0xFFFF, 3.7 * 365) == 0


@given(st.integers(0, 0xFFFF), st.integers(0, 680), st.integers(0, 680))
def test_decay_never_grows_with_time(count: int, day: int, more: int) -> None:
    assert left(count, day + more) <= left(count, day) <= count
