from __future__ import annotations

from detector.simulate.scenarios.r06_same_gateway import SameGateway
from tests.simulate.scenarios.fleets import Scene


def test_addresses_client_and_operations_are_all_the_victims() -> None:
    scene = Scene()
    gateway = scene.gateway()
    victim = scene.holding("aws.session/instance", egress=gateway)
    scene.holding("aws.session/instance", egress=gateway)
    theft = scene.steal(SameGateway(), "S3", victim)
    own = {(call.context.address, call.context.client) for call in scene.own(victim)}
    assert {(call.context.address, call.context.client) for call in scene.malicious()} <= own
    assert {call.action for call in scene.malicious()} <= set(victim.principal.group.repertoire.actions)
    assert not theft.void


def test_who_is_alone_behind_an_address_is_the_same_machine() -> None:
    scene = Scene()
    assert SameGateway().begin(scene.fleet, scene.holding("aws.session/instance")) is None
