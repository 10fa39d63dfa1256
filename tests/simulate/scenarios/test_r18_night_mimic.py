from __future__ import annotations

from detector.simulate.scenarios.r18_night_mimic import NightMimic
from detector.simulate.world import HOUR, MINUTE
from tests.simulate.scenarios.fleets import Scene


def test_every_malicious_use_is_half_an_hour_from_every_use_of_the_owner() -> None:
    for seed in range(6):
        scene = Scene(seed)
        busy = [scene.day(day) + 9 * HOUR + minute * MINUTE for day in range(20) for minute in range(0, 480, 20)]
        victim = scene.holding("aws.access-key", seconds=busy)
        theft = scene.steal(NightMimic(), "S2", victim)
        own = [call.second for call in scene.own(victim)]
        assert min(abs(mine - his) for mine in own for his in theft.seconds) >= 30 * MINUTE
        assert theft.victim_goes_on


def test_a_victim_that_is_never_silent_is_left_alone() -> None:
    scene = Scene(days=10)
    always = list(range(scene.day(0), scene.day(10), 40 * MINUTE))
    assert NightMimic().begin(scene.fleet, scene.holding("aws.access-key", seconds=always)) is None
