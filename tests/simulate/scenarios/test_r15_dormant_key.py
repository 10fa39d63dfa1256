from __future__ import annotations

from detector.simulate.scenarios.r15_dormant_key import DormantKey
from detector.simulate.world import DAY
from tests.simulate.scenarios.fleets import Scene


def test_nobody_used_the_key_for_five_days_before_the_thief_does() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key", seconds=[scene.day(1), scene.day(2), scene.day(15)])
    theft = scene.steal(DormantKey(), "S1", victim)
    before = [call.second for call in scene.own(victim) if call.second < theft.seconds[0]]
    assert before
    assert theft.seconds[0] - before[-1] > 5 * DAY


def test_a_key_in_use_is_not_dormant() -> None:
    scene = Scene()
    assert DormantKey().begin(scene.fleet, scene.holding("aws.access-key")) is None
