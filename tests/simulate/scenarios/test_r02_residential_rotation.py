from __future__ import annotations

from detector.simulate.scenarios.r02_residential_rotation import ResidentialRotation
from tests.simulate.scenarios.fleets import Scene, network


def test_every_call_leaves_by_another_home_and_all_by_one_client() -> None:
    scene = Scene()
    scene.passers_by()
    theft = scene.steal(ResidentialRotation(), "S0", scene.holding("aws.access-key"))
    stolen = scene.malicious()
    assert len({call.context.address for call in stolen}) == len(theft.event_ids) >= 6
    assert {network(call) for call in stolen} <= {"244", "2001"}
    assert len({call.context.client for call in stolen}) == 1


def test_a_session_that_expires_is_not_sold_by_the_address() -> None:
    assert not ResidentialRotation().suits_kind("aws.session/instance")
    assert ResidentialRotation().suits_kind("github.pat")
