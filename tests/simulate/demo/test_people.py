from __future__ import annotations

import numpy as np

from detector.simulate.demo import instances, people
from detector.simulate.world import DAY, HOUR
from tests.simulate.worlds import aws, empty_world, identity


def test_a_vendor_polls_with_one_key_from_two_addresses() -> None:
    world = empty_world()
    people.vendor(world, "backup", 100)
    assert len({aws(call).key for call in world.calls}) == 1
    assert len({call.context.address for call in world.calls}) == 2
    assert aws(world.calls[0]).key.startswith("AKIA")


def test_an_engineer_works_by_day_through_a_sign_in() -> None:
    world = empty_world()
    people.engineer(world, "grace", 60)
    hours = np.array([call.second % DAY // HOUR for call in world.calls])
    assert hours.min() >= 8
    assert hours.max() < 17
    assert all("AWSReservedSSO_" in aws(call).arn for call in world.calls)
    assert len({call.context.client for call in world.calls}) == 2


def test_aws_acts_by_itself_and_on_behalf_of_a_key_it_was_given() -> None:
    world = empty_world()
    for service in instances.services(world):
        instances.run(world, service)
    before = len(world.calls)
    people.aws(world, 200)
    made = world.calls[before:]
    assert all(call.context.address.endswith(".amazonaws.com") for call in made)
    behalf = [call for call in made if aws(call).key]
    assert {aws(call).key for call in behalf} <= {lease.identity.key for lease in world.leases}
    assert all(identity(call)["invokedBy"] == call.context.address for call in behalf)
    assert 0.3 < len(behalf) / len(made) < 0.7


def test_without_a_workload_aws_acts_on_nobodys_behalf() -> None:
    world = empty_world()
    people.aws(world, 200)
    assert not [call for call in world.calls if aws(call).key]
