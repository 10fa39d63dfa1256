from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.training.uses import SECONDS_PER_DAY, dense
from tests.training.uses_of import DAY, START, Use, uses_of


@given(st.lists(st.integers(-5, 5), max_size=50))
def test_dense_codes_count_from_one_in_order_of_first_appearance(values: list[int]) -> None:
    order = list(dict.fromkeys(values))

    assert dense(np.array(values, np.int64)).tolist() == [1 + order.index(value) for value in values]


def test_dense_codes_are_not_changed_by_what_comes_later() -> None:
    values = np.array([7, 3, 7, 1, 9], np.int64)

    assert dense(values)[:3].tolist() == dense(values[:3]).tolist()


def test_a_day_is_one_of_utc() -> None:
    uses = uses_of(Use(0), Use(DAY - 1), Use(DAY))

    assert len(uses) == 3
    assert (uses.day - START // SECONDS_PER_DAY).tolist() == [0, 0, 1]
