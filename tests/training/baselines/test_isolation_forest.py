from __future__ import annotations

from typing import Any

import numpy as np

from detector.training.baselines.base import fitted_until
from detector.training.baselines.isolation_forest import IsolationForest
from tests.training.uses_of import DAY, HOUR, Use, drawn, uses_of

RARE: dict[str, Any] = {"resource": "archive", "action": "storage:delete", "client": "tool/9", "address": "203.0.113.9"}
HABIT = [Use(at * HOUR)._replace(**(RARE if at % 40 == 0 else {})) for at in range(24 * 7)]
USUAL = Use(7 * DAY + 8 * HOUR)


def test_values_that_are_rare_together_score_higher_than_usual_ones() -> None:
    usual, rare = IsolationForest().score(uses_of(*HABIT, USUAL, USUAL._replace(**RARE)))[-2:]

    assert rare > usual


def test_a_value_for_which_it_has_no_column_says_nothing() -> None:
    usual, other = (USUAL._replace(resource=f"never-{name}") for name in ("seen", "met"))

    first, second = IsolationForest().score(uses_of(*HABIT, usual, other))[-2:]

    assert first == second


def test_the_days_it_is_fitted_on_are_silent_and_all_others_are_ranked() -> None:
    uses = drawn(8)

    score = IsolationForest().score(uses)

    fitted = fitted_until(uses)
    assert 0 < fitted < len(uses)
    assert not score[:fitted].any()
    assert (score[fitted:] > 0).all()


def test_it_does_not_know_whose_use_it_is() -> None:
    mine, other = uses_of(*HABIT, USUAL), uses_of(*HABIT, USUAL._replace(principal="another", credential="theirs"))

    np.testing.assert_array_equal(IsolationForest().score(mine), IsolationForest().score(other))
