from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.training.points import DAY_SECONDS, Points, false_incidents, threshold_for
from tests.training.made import points

HOUR = 3600


def test_points_of_one_principal_within_a_day_are_one_incident() -> None:
    found = points((1, 0, 9.0, -1), (1, DAY_SECONDS, 9.0, -1), (1, 2 * DAY_SECONDS + 1, 9.0, -1), (2, 0, 9.0, -1))
    assert found.number().tolist() == [0, 0, 1, 2]
    assert found.opening().tolist() == [True, False, True, True]


def test_what_is_below_the_threshold_neither_opens_nor_joins() -> None:
    found = points((1, 0, 9.0, -1), (1, 20 * HOUR, 1.0, -1), (1, 40 * HOUR, 9.0, -1))
    assert false_incidents(found, 1.0) == 1
    assert false_incidents(found, 9.0) == 2  # nothing joins the two any more


def test_an_incident_that_opens_on_a_malicious_use_is_not_false() -> None:
    assert false_incidents(points((1, 0, 9.0, 0), (1, HOUR, 9.0, -1)), 5.0) == 0
    assert false_incidents(points((1, 0, 9.0, -1), (1, HOUR, 9.0, 0)), 5.0) == 1


def test_points_are_sorted_whatever_order_they_arrive_in() -> None:
    found = points((2, 5, 1.0, -1), (1, 9, 2.0, -1), (1, 3, 3.0, -1))
    assert found.principal.tolist() == [1, 1, 2]
    assert found.score.tolist() == [3.0, 2.0, 1.0]


def test_tenants_put_together_share_neither_principals_nor_thefts() -> None:
    one, other = points((0, 0, 1.0, 0), (1, 0, 1.0, -1)), points((0, 0, 1.0, 1))
    both = Points.concat([one, other], thefts=[1, 2], principals=[2, 1])
    assert both.principal.tolist() == [0, 1, 2]
    assert both.theft.tolist() == [0, -1, 2]


rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 20 * DAY_SECONDS), st.integers(1, 12), st.sampled_from([-1, -1, 0])),
    max_size=60,
)


@given(rows, st.integers(0, 8))
def test_a_threshold_keeps_its_budget_and_the_score_below_it_does_not(
    given_rows: list[tuple[int, int, int, int]], most: int
) -> None:
    found = points(*((who, when, float(score), stolen) for who, when, score, stolen in given_rows))
    threshold = threshold_for(found, most)
    assert false_incidents(found, threshold) <= most
    lower = np.unique(found.score[(found.theft == -1) & (found.score < threshold)])
    if len(lower):
        assert false_incidents(found, float(lower[-1])) > most


def test_with_nothing_benign_every_threshold_will_do() -> None:
    assert threshold_for(points((1, 0, 3.0, 0)), 0) == 0.0
    assert threshold_for(points(), 0) == 0.0
