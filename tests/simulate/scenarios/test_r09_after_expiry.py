from __future__ import annotations

from detector.simulate.scenarios.r09_after_expiry import AfterExpiry
from detector.simulate.world import HOUR
from tests.simulate.scenarios.fleets import Scene


def test_an_expired_token_is_accepted() -> None:
    scene = Scene()
    victim = scene.holding("spiffe.x509-svid", start=scene.day(9), end=scene.day(9) + HOUR)
    scene.steal(AfterExpiry(), "S2", victim)
    assert all(call.second > victim.end and not call.error.startswith("expired") for call in scene.malicious())


def test_a_token_that_lasts_is_used_when_its_owner_has_the_next_one() -> None:
    scene = Scene()
    victim = scene.holding("k8s.legacy-token", start=scene.day(9), until=scene.day(9) + HOUR)
    begin = AfterExpiry().begin(scene.fleet, victim)
    assert begin is not None
    assert victim.until + HOUR <= begin < victim.end


def test_aws_refuses_expired_sessions() -> None:
    assert not AfterExpiry().suits_kind("aws.session/instance")
