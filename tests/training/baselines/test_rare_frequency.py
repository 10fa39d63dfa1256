from __future__ import annotations

import math

import pytest

from detector.training.baselines.rare_frequency import RareFrequency
from tests.training.uses_of import HOUR, Use, uses_of

HABIT = [Use(at * HOUR) for at in range(40)]


def last(*rows: Use) -> float:
    return float(RareFrequency().score(uses_of(*rows))[-1])


def test_it_is_the_sum_of_surprises() -> None:
    one_new = last(*HABIT, Use(41 * HOUR, action="storage:delete"))

    assert one_new == pytest.approx(2 * math.log(90 / 40.5) + math.log(90 / 0.5))


def test_what_a_principal_always_does_is_less_and_less_surprising() -> None:
    score = RareFrequency().score(uses_of(*HABIT))

    assert (score[1:] < score[:-1]).all()


def test_it_asks_what_this_principal_does_and_not_what_others_do() -> None:
    stranger = Use(41 * HOUR, "other", "newcomer")

    assert last(*HABIT, stranger) == pytest.approx(3 * math.log(50 / 0.5))
