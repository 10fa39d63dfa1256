from __future__ import annotations

from detector.simulate.scenarios.r04_foreign_endpoint import ForeignEndpoint
from tests.simulate.scenarios.fleets import Scene, network


def test_the_log_shows_a_private_address_and_an_endpoint_that_nobody_came_through_before() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    scene.steal(ForeignEndpoint(), "S3", victim)
    stolen = scene.malicious()
    assert {network(call) for call in stolen} == {"10"}
    (endpoint,) = {call.context.endpoint for call in stolen}
    assert endpoint.startswith("vpce-")
    assert endpoint not in {call.context.endpoint for call in scene.own(victim)}
    assert {call.context.client for call in stolen} == {call.context.client for call in scene.own(victim)}
