from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from detector.simulate.call import Call
from detector.simulate.demo import instances
from detector.simulate.demo.world import DemoWorld
from detector.simulate.world import HOUR
from tests.simulate.worlds import aws, empty_world, identity


def live(name: str, per_day: float = 600) -> DemoWorld:
    world = empty_world()
    (service,) = [service for service in instances.services(world) if service.role.name == name]
    service.per_day = per_day
    instances.run(world, service)
    return world


@pytest.fixture(scope="module")
def search() -> DemoWorld:
    return live("web-search")


def own_calls(world: DemoWorld, path: str) -> list[Call]:
    return [call for call in world.calls if path in aws(call).json]


def test_a_deploy_replaces_every_instance_and_says_that_the_old_one_is_gone(search: DemoWorld) -> None:
    names = {lease.session for lease in search.leases}
    ended = [
        json.loads(call.request)["instancesSet"]["items"][0]["instanceId"]
        for call in search.calls
        if call.action.name == "TerminateInstances"
    ]
    assert len(names) == 3 * (1 + search.story["deploys"])
    assert len(names - set(ended)) == 3
    assert len(ended) == len(set(ended))


def test_an_instance_is_silent_once_it_is_terminated(search: DemoWorld) -> None:
    last_use: dict[str, int] = {}
    for call in sorted(search.calls, key=lambda call: call.second):
        if call.action.name != "TerminateInstances":
            last_use[aws(call).arn.rpartition("/")[2]] = call.second
    for call in search.calls:
        if call.action.name == "TerminateInstances":
            name = json.loads(call.request)["instancesSet"]["items"][0]["instanceId"]
            assert last_use.get(name, 0) < call.second


def test_an_instance_gets_a_new_key_before_six_hours_are_over(search: DemoWorld) -> None:
    leases = defaultdict(list)
    for lease in search.leases:
        leases[lease.session].append(lease)
    for held in leases.values():
        assert all(lease.end - lease.start < 6 * HOUR for lease in held)
        assert all(one.end == other.start for one, other in pairwise(held))
    assert len({lease.identity.key for lease in search.leases}) == len(search.leases)


def test_one_key_leaves_through_gateways_in_different_prefixes(search: DemoWorld) -> None:
    prefixes = defaultdict(set)
    for call in own_calls(search, "/web/"):
        prefixes[aws(call).key].add(call.context.address.rpartition(".")[0])
    assert max(len(seen) for seen in prefixes.values()) == 4


def test_a_service_with_its_own_addresses_has_a_new_one_per_instance_in_a_known_prefix() -> None:
    world = live("web-media")
    addresses = defaultdict(set)
    for call in own_calls(world, "/web/"):
        addresses[aws(call).arn].add(call.context.address)
    assert all(len(seen) == 1 for seen in addresses.values())
    assert len({address.rpartition(".")[0] for seen in addresses.values() for address in seen}) == 1


def test_a_deploy_may_bring_a_minor_update_and_once_a_major_one() -> None:
    world = live("web-accounts")
    agents = {call.context.client.split()[0] for call in own_calls(world, "/web/")}
    assert world.story["SDK minor updates"] > 0
    assert world.story["SDK major updates"] <= 1
    assert len(agents) >= 2


def test_batch_services_reach_the_object_store_through_their_endpoint_and_all_else_through_nat() -> None:
    world = live("batch-ingest")
    calls = [call for call in own_calls(world, "/batch/") if call.action.service != "ssm"]
    inside = {call.context.endpoint != "" for call in calls if call.action.service == "s3"}
    outside = {call.context.endpoint == "" for call in calls if call.action.service != "s3"}
    assert inside == outside == {True}
    assert all(call.context.address.startswith("10.") for call in calls if call.context.endpoint)


def test_an_assumed_role_is_used_with_the_key_that_was_issued_and_in_its_own_account() -> None:
    world = live("batch-ingest")
    issued = {
        json.loads(call.response)["credentials"]["accessKeyId"]: call.second
        for call in world.calls
        if call.action.name == "AssumeRole"
    }
    uses = own_calls(world, "/data/")
    assert len(issued) > 20
    assert {aws(call).key for call in uses} <= set(issued)
    assert all(issued[aws(call).key] < call.second < issued[aws(call).key] + HOUR for call in uses)
    assert {identity(call)["accountId"] for call in uses} == {"444455556666"}


def test_calls_are_shared_out_so_that_the_sum_is_what_was_asked_for() -> None:
    services = instances.services(empty_world())
    instances.share(services, 3_000)
    assert sum(service.per_day for service in services) == pytest.approx(3_000)
    assert services[0].per_day > services[-1].per_day > 0
