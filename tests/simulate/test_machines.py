from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from detector.simulate.catalogue import AWS_WORK
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Principal
from detector.simulate.formats.cloudtrail import Role
from detector.simulate.machines import KEY_LIFE, PrivateNetwork, Workload, keys, lifetimes, replicas
from detector.simulate.populations.base import group, principal
from detector.simulate.world import DAY, HOUR, MINUTE
from tests.simulate.tenants import empty_tenant

ROLE = Role("111122223333", "/web/", "web", "AROAEXAMPLE")


@pytest.fixture
def fleet() -> Fleet:
    return empty_tenant(days=20, releases=0.5)[0]


def owner(fleet: Fleet) -> Principal:
    made = group(fleet, ROLE.account, ROLE.path, "aws.session/instance", AWS_WORK)
    return principal(fleet, made, f"{ROLE.arn}#instance", established=True)


def test_successors_start_before_their_predecessors_are_gone_until_the_end(fleet: Fleet) -> None:
    lives = list(lifetimes(fleet, owner(fleet), DAY, immutable=False))
    assert lives[0][0] <= fleet.start
    assert lives[-1][1] >= fleet.end
    assert all(30 <= end - launch < 3 * MINUTE for (_, end), (launch, _) in pairwise(lives))


def test_a_release_replaces_immutable_workloads_within_two_hours(fleet: Fleet) -> None:
    who = owner(fleet)
    releases = [second for second, _, _ in who.group.releases.versions[1:]]
    launches = [launch for launch, _ in lifetimes(fleet, who, 400 * DAY, immutable=True)]
    assert len(releases) > 3
    for release in releases:
        assert [launch for launch in launches if release <= launch + 3 * MINUTE <= release + 2 * HOUR + 3 * MINUTE]


def test_a_service_that_is_new_has_no_workload_before(fleet: Fleet) -> None:
    who = owner(fleet)
    who.since = fleet.start + 9 * DAY
    assert next(lifetimes(fleet, who, DAY, immutable=False))[0] == who.since


def test_keys_follow_each_other_without_a_gap_as_long_as_the_workload_lives(fleet: Fleet) -> None:
    who = owner(fleet)
    habitat = Habitat(Egress.of("us-east-1", ["240.0.0.1"]), who.group.releases)
    end = fleet.start + 30 * HOUR
    made = keys(fleet, who, ROLE, habitat, Workload("i-0123456789abcdef0", fleet.start - 3 * DAY, end, "2.0"))
    assert made[0].start <= fleet.start < made[0].until
    assert all(old.until == new.start < old.end == old.start + KEY_LIFE for old, new in pairwise(made))
    assert all(new.start < old.end - 5 * MINUTE for old, new in pairwise(made))
    assert len({one.credential for one in made}) == len(made)
    assert {one.workload_end for one in made} == {end}
    assert made[-1].last == end


def test_most_services_have_a_replica_or_two_and_none_more_than_six(fleet: Fleet) -> None:
    counts = Counter(replicas(fleet) for _ in range(500))
    assert set(counts) <= set(range(1, 7))
    assert counts[1] + counts[2] > 300
    assert counts[4] > 5


def test_a_network_may_have_an_endpoint_for_storage_or_for_everything() -> None:
    fleet, _ = empty_tenant(endpoint_share=0.7)
    outside = Egress.of("us-east-1", [fleet.plan.gateway("us-east-1")])
    networks = [PrivateNetwork.draw(fleet, "us-east-1") for _ in range(200)]
    releases = owner(fleet).group.releases
    for network in networks:
        habitat = network.habitat(fleet, outside, releases)
        assert (habitat.egress is outside) == (not network.closed)
        assert (habitat.inside is not None) == (bool(network.endpoint) and not network.closed)
        assert bool(habitat.egress.endpoint) == network.closed
    assert 100 < sum(bool(network.endpoint) for network in networks) < 180
    assert any(network.closed for network in networks)
