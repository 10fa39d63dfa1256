from __future__ import annotations

import pytest

from detector.training.baselines.midas import Midas
from tests.training.uses_of import HOUR, Use, uses_of

STEADY = [Use(at * HOUR) for at in range(72)]


def test_a_burst_from_another_prefix_scores_higher_than_the_habit() -> None:
    burst = [Use(72 * HOUR + at, address="203.0.113.9") for at in range(20)]

    score = Midas().score(uses_of(*STEADY, *burst))

    assert score[-1] > 50 * score[48:72].max()


def test_an_edge_that_was_never_seen_scores_the_number_of_past_hours_whoever_it_is() -> None:
    newcomer = Use(72 * HOUR, "other", "newcomer")

    assert Midas().score(uses_of(*STEADY, newcomer))[-1] == pytest.approx(72)


def test_the_first_hour_is_silent() -> None:
    assert not Midas().score(uses_of(*(Use(at) for at in range(100)))).any()
