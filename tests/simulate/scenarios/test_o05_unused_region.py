from __future__ import annotations

from detector.simulate.catalogue import AWS_COMPUTE
from detector.simulate.scenarios.o05_unused_region import UnusedRegion
from tests.simulate.scenarios.scope_fleets import stolen, suits


def test_machines_are_started_where_the_tenant_has_none() -> None:
    played = stolen(UnusedRegion(), "aws.session/instance", "S2", count=30)

    assert {call.action for call in played.calls} <= set(AWS_COMPUTE)
    assert any(call.action.name == "RunInstances" for call in played.calls)
    assert not {call.context.region for call in played.calls} & set(played.fleet.regions)
    benign = {call.context.region for call in played.fleet.calls if call.theft < 0}
    assert benign <= set(played.fleet.regions)


def test_only_credentials_of_a_cloud_with_regions_are_played_on() -> None:
    assert suits(UnusedRegion(), "aws.access-key")
    assert not suits(UnusedRegion(), "k8s.bound-token")
