from __future__ import annotations

from detector.simulate.scenarios.r05_tenant_lateral import TenantLateral
from tests.simulate.scenarios.fleets import Scene


def test_the_thief_leaves_as_another_workload_of_the_realm_does_and_stays_in_profile() -> None:
    scene = Scene()
    victim, neighbour = scene.holding("aws.access-key"), scene.holding("aws.access-key")
    scene.steal(TenantLateral(), "S3", victim)
    stolen = scene.malicious()
    assert {call.context.address for call in stolen} <= set(neighbour.habitat.egress.at(0).addresses)
    assert {call.action for call in stolen} <= set(victim.principal.group.repertoire.actions)
    assert {call.context.client for call in stolen} == {call.context.client for call in scene.own(victim)}
    assert not any(call.error for call in stolen)
