from __future__ import annotations

from detector.simulate.scenarios.r11_workload_gone import WorkloadGone
from detector.simulate.world import HOUR
from tests.simulate.scenarios.fleets import Scene


def test_the_key_is_used_between_the_end_of_its_instance_and_its_own() -> None:
    scene = Scene()
    begin = scene.day(9)
    victim = scene.holding("aws.session/instance", start=begin, end=begin + 6 * HOUR, workload_end=begin + HOUR)
    scene.holding("aws.session/instance")
    scene.steal(WorkloadGone(), "S3", victim)
    assert all(victim.workload_end < call.second < victim.end for call in scene.malicious())


def test_a_workload_that_outlives_its_key_leaves_nothing_to_steal() -> None:
    scene = Scene()
    begin = scene.day(9)
    running = scene.holding("aws.session/instance", start=begin, end=begin + 6 * HOUR)
    assert WorkloadGone().begin(scene.fleet, running) is None
