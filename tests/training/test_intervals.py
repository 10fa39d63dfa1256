from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.training.intervals import bootstrap_total, wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # R: prop.test(…, correct=FALSE)
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_wilson_is_the_score_interval(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share_and_nothing_impossible(hits: int, of: int) -> None:
    hits = min(hits, of)
    low, high = wilson(hits, of)
    assert 0.0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1.0


def test_of_nothing_everything_is_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_one_noisy_principal_makes_a_total_uncertain_and_many_quiet_ones_do_not() -> None:
    noisy = bootstrap_total(np.array([40]))
    quiet = bootstrap_total(np.ones(40, np.int64))
    assert noisy[1] - noisy[0] > quiet[1] - quiet[0]
    assert quiet[0] < 40 < quiet[1]


def test_no_count_at_all_is_the_rule_of_three() -> None:
    assert bootstrap_total(np.zeros(0, np.int64)) == (0.0, 3.7)
