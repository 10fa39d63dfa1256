from __future__ import annotations

import numpy as np

from detector.domain import DAY, SECOND
from detector.state.contexts import SLOTS, ContextTable
from detector.state.credentials import CredentialTable
from tests.rows import START, keys

NOW = START // SECOND
DAYS = DAY // SECOND


def table(limit: int, **last: list[int]) -> ContextTable:
    """Holders `k0`, `k1`, … by number, with the last uses of their contexts."""
    found = ContextTable(limit)
    for name, times in last.items():
        slot, _ = found.admit(keys(int(name[1:])))
        found.filled[slot] = len(times)
        found.last[slot[0], : len(times)] = times
    return found


def gone(contexts: ContextTable, now: int = NOW) -> list[int]:
    return sorted(int(key) for key in contexts.index.keys[contexts.idle(now)])


def test_a_holder_goes_when_all_its_contexts_were_idle_for_two_days() -> None:
    contexts = table(
        100,
        k1=[NOW - 2 * DAYS - 1, NOW - 9 * DAYS],
        k2=[NOW - 2 * DAYS],
        k3=[NOW - 9 * DAYS, NOW - 2 * DAYS - 1, NOW],
    )

    assert gone(contexts) == [1]


def test_over_the_limit_the_longest_idle_holders_go() -> None:
    contexts = table(4, k1=[NOW], k2=[NOW - 3], k3=[NOW - 1], k4=[NOW - 9, NOW - 1], k5=[NOW - 2], k6=[NOW])

    assert gone(contexts) == [2, 5]


def test_those_that_are_idle_for_days_make_room_first() -> None:
    contexts = table(2, k1=[NOW - 5], k2=[NOW - 4 * DAYS], k3=[NOW - 3 * DAYS], k4=[NOW])

    assert gone(contexts) == [2, 3]


def test_nothing_is_idle_before_time_has_begun() -> None:
    assert gone(table(100, k1=[NOW]), now=-(1 << 62) // SECOND) == []
    assert gone(table(100)) == []


def test_a_credential_and_its_contexts_take_at_most_256_bytes_in_columns() -> None:
    layouts = (ContextTable.layout, CredentialTable.layout)
    columns = [np.dtype(dtype).itemsize * max(width, 1) for layout in layouts for dtype, width in layout.values()]

    assert SLOTS == 4
    assert sum(columns) <= 256
