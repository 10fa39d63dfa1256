from __future__ import annotations

from detector.training.baselines.mstream import MStream
from tests.training.uses_of import HOUR, Use, uses_of

STEADY = [Use(at * HOUR) for at in range(72)]


def test_a_burst_of_one_record_scores_higher_than_the_habit() -> None:
    burst = [Use(72 * HOUR + at, action="secrets:read", resource="all") for at in range(20)]

    score = MStream().score(uses_of(*STEADY, *burst))

    assert score[-1] > 50 * score[48:72].max()


def test_a_steady_stream_stays_level() -> None:
    score = MStream().score(uses_of(*STEADY))[48:]

    assert score.max() < 1.05 * score.min()
