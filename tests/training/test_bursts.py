from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.training.bursts import COUNT_BYTES, bursts, relational, relational_bytes, ticks
from tests.training.uses_of import HOUR, Use, uses_of

STREAM = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60)  # key, ticks that pass before it


def by_hand(keys: list[int], tick: list[int], decay: float, merge_below: float | None) -> list[float]:
    """The published loop: one edge at a time, every table swept when a tick begins."""
    current: Counter[int] = Counter()
    total: Counter[int] = Counter()
    latest: Counter[int] = Counter()
    swept, last, found = {*keys}, 1, []
    for key, now in zip(keys, tick, strict=True):
        if now > last:
            for one in swept:
                if merge_below is not None:
                    mean = total[one] / (last - 1) if last > 1 else 0
                    total[one] += current[one] if latest[one] < merge_below else mean  # type: ignore[assignment]
                current[one] *= decay ** (now - last)  # type: ignore[assignment]
            last = now
        current[key] += 1
        a, s, t = current[key], total[key], now
        if merge_below is None:
            total[key] += 1
            s += 1
            score = 0.0 if t == 1 else (a - s / t) ** 2 * t**2 / (s * (t - 1))
        else:
            score = 0.0 if s == 0 or t == 1 else (a + s - a * t) ** 2 / (s * (t - 1))
        latest[key] = score  # type: ignore[assignment]
        found.append(score)
    return found


@pytest.mark.parametrize("merge_below", [None, 2.0, 1000.0])
@given(STREAM)
def test_bursts_are_what_the_published_loop_gives(merge_below: float | None, stream: list[tuple[int, int]]) -> None:
    keys = [key for key, _ in stream]
    tick = (1 + np.cumsum([passed for _, passed in stream], dtype=np.int64)).tolist()

    found = bursts(np.array(keys, np.int32), np.array(tick, np.int64), 0.5, merge_below)

    np.testing.assert_allclose(found, by_hand(keys, tick, 0.5, merge_below), rtol=1e-9, atol=1e-12)


def test_a_burst_that_lasts_becomes_normal_unless_it_is_filtered() -> None:
    calm, storm = [(hour, 1) for hour in range(1, 50)], [(hour, 200) for hour in range(50, 90)]
    tick = np.array([hour for hour, count in calm + storm for _ in range(count)], np.int64)
    key = np.zeros(len(tick), np.int32)

    plain, filtered = bursts(key, tick, 0.5), bursts(key, tick, 0.5, 1000.0)

    assert plain[-1] < plain[tick == 50].max() / 5
    assert filtered[-1] > filtered[tick == 50].max() / 2


def test_a_late_use_counts_in_the_tick_that_is_running() -> None:
    assert ticks(np.array([HOUR, HOUR + 1, 3 * HOUR, 2 * HOUR, 5 * HOUR], np.int64)).tolist() == [1, 1, 3, 3, 5]
    assert ticks(np.array([], np.int64)).tolist() == []


def test_edges_need_both_ends() -> None:
    uses = uses_of(*(Use(at * HOUR // 4, address="", action="") for at in range(40)))

    assert not relational(uses, 0.5).any()


def test_tables_hold_edges_and_ends_of_both_relations() -> None:
    uses = uses_of(Use(0), Use(1), Use(2, action="storage:write"))

    # one edge to a prefix and two to actions; the principal twice; one prefix, two actions
    assert relational_bytes(uses) == COUNT_BYTES * (3 + 2 + 3)
