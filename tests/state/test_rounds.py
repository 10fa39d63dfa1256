from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.state.rounds import rounds

OWNERS = st.lists(st.integers(-1, 5), max_size=40)


@given(OWNERS)
def test_round_k_holds_row_k_of_every_owner_in_row_order(owners: list[int]) -> None:
    expected: list[list[int]] = []
    seen: dict[int, int] = {}
    for at, owner in enumerate(owners):
        turn = seen.setdefault(owner, 0)
        seen[owner] += 1
        if turn == len(expected):
            expected.append([])
        expected[turn].append(at)

    assert [part.tolist() for part in rounds(np.array(owners, np.int64))] == expected


def test_owners_are_any_keys() -> None:
    owner = np.array([2**64 - 1, 0, 2**64 - 1], np.uint64)

    assert [part.tolist() for part in rounds(owner)] == [[0, 1], [2]]
