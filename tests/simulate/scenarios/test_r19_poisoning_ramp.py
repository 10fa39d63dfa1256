from __future__ import annotations

from itertools import pairwise

from detector.simulate.scenarios.r19_poisoning_ramp import PoisoningRamp
from detector.simulate.world import DAY
from tests.simulate.scenarios.fleets import Scene


def test_a_ramp_of_in_profile_uses_comes_before_the_theft_from_the_same_place() -> None:
    for seed in range(6):
        scene = Scene(seed)
        victim = scene.holding("aws.access-key")
        theft = scene.steal(PoisoningRamp(), "S2", victim, style="noisy")
        stolen = scene.malicious()
        ramp, act = stolen[: theft.opening], stolen[theft.opening :]
        assert theft.seconds[0] < scene.day(2)
        assert 10 * DAY <= theft.seconds[theft.opening] - theft.seconds[0] <= 18 * DAY
        assert {call.action for call in ramp} <= set(victim.principal.group.repertoire.actions)
        assert not any(call.error for call in ramp)
        assert act
        assert len({call.context for call in stolen}) == 1


def test_the_ramp_grows_to_no_more_than_two_uses_a_day() -> None:
    scene = Scene()
    theft = scene.steal(PoisoningRamp(), "S3", scene.holding("aws.access-key"))
    ramp = theft.seconds[: theft.opening]
    half = (ramp[0] + ramp[-1]) / 2
    assert sum(second < half for second in ramp) < len(ramp) / 2
    assert all(later - earlier >= DAY for earlier, later in zip(ramp[1:], ramp[4:], strict=False))
    assert all(earlier <= later for earlier, later in pairwise(ramp))


def test_a_credential_of_a_day_cannot_be_ramped_up() -> None:
    scene = Scene()
    assert PoisoningRamp().begin(scene.fleet, scene.holding("aws.session/instance", end=scene.day(3))) is None
