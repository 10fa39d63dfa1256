from __future__ import annotations

import numpy as np
import pytest

from detector.simulate import arrivals
from detector.simulate.tenant import Dataset, truth_of
from detector.training.decoded import decode, uses_of
from detector.training.ground import Ground
from tests.training.conftest import SMALL


@pytest.fixture(scope="module")
def ground() -> Ground:
    fleet = Dataset("dev", "hard", thefts=1).tenant(1, **SMALL)
    decoded = decode(arrivals.records(arrivals.deliver(fleet)))
    return Ground.of(decoded, uses_of(decoded), truth_of(fleet))


def test_every_malicious_use_that_arrived_is_joined_with_its_theft(ground: Ground) -> None:
    wanted = {event: theft.index for theft in ground.thefts for event in theft.event_ids}
    found = {one: int(theft) for one, theft in zip(ground.uses.native_id, ground.theft, strict=True) if theft >= 0}
    assert found.items() <= wanted.items()
    assert len(found) > 0.95 * len(wanted)  # some statements are no scored uses


def test_causes_are_those_of_benign_uses(ground: Ground) -> None:
    told = {ground.causes[code] for code in np.unique(ground.churn[ground.theft < 0]).tolist()}
    assert len(told) > 5
    assert not ground.churn[ground.theft >= 0].any()


def test_a_day_counts_once_for_each_principal_that_was_benignly_active(ground: Ground) -> None:
    benign = ground.theft < 0
    pairs = set(zip(ground.uses.principal[benign].tolist(), ground.uses.day[benign].tolist(), strict=True))
    assert len(ground.principal_days()) == len(pairs)


def test_scores_above_zero_become_points(ground: Ground) -> None:
    score = np.zeros(len(ground.uses))
    score[[3, 5]] = 1.0, 2.0
    points = ground.points(score)
    assert sorted(points.score.tolist()) == [1.0, 2.0]
    assert set(points.second.tolist()) == {int(ground.uses.second[3]), int(ground.uses.second[5])}
    assert (points.arrival >= points.second - 120).all()  # clocks may be some seconds wrong


def test_an_alert_shortly_after_a_malicious_use_can_be_about_it_and_later_ones_can_not(ground: Ground) -> None:
    stolen = {int(one) for one in ground.uses.principal[ground.theft >= 0].tolist()}
    assert (ground.behind[ground.theft >= 0] == ground.theft[ground.theft >= 0]).all()
    for row in np.flatnonzero((ground.behind >= 0) & (ground.theft < 0)).tolist():
        theft = ground.thefts[int(ground.behind[row])]
        assert int(ground.uses.principal[row]) in stolen
        ages = [int(ground.uses.second[row]) - second for second in theft.seconds]  # by a clock that may be wrong
        assert any(-120 <= age <= 6 * 3600 + 120 for age in ages)
