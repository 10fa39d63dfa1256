from __future__ import annotations

from detector.simulate.scenarios.r07_same_workload import SameWorkload
from tests.simulate.scenarios.fleets import Scene


def test_nothing_but_the_truth_tells_the_thief_from_the_victim() -> None:
    scene = Scene()
    victim = scene.holding("aws.session/instance")
    theft = scene.steal(SameWorkload(), "S4", victim)
    own = {(call.caller.log, call.context, call.action, call.error) for call in scene.own(victim)}
    assert {(call.caller.log, call.context, call.action, call.error) for call in scene.malicious()} <= own
    assert theft.void
    assert theft.victim_goes_on


def test_the_pace_is_the_victims() -> None:
    spans = []
    for seed in range(12):
        scene = Scene(seed)
        theft = scene.steal(SameWorkload(), "S4", scene.holding("aws.session/instance"))
        spans.append((theft.seconds[-1] - theft.seconds[0]) / max(1, len(theft.seconds) - 1))
    assert 900 < sum(spans) / len(spans) < 14_400  # the victim calls every hour


def test_a_victim_that_never_worked_has_no_pace_to_copy() -> None:
    scene = Scene()
    assert SameWorkload().begin(scene.fleet, scene.holding("aws.session/instance", seconds=[])) is None
