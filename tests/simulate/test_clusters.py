from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from detector.errors import UsageError
from detector.simulate import clusters
from detector.simulate.clusters import Cluster, Network
from detector.simulate.fleet import Fleet
from detector.simulate.world import DAY, HOUR
from tests.simulate.tenants import empty_tenant


def drawn(seed: int, days: int = 21) -> tuple[Fleet, Cluster]:
    fleet, sites = empty_tenant(seed, days=days)
    return fleet, clusters.draw(fleet, sites, sites.clusters[0])


@pytest.fixture(scope="module")
def tenants() -> list[tuple[Fleet, Cluster]]:
    return [drawn(seed) for seed in range(8)]


def test_whoever_asks_for_a_cluster_gets_the_same_one() -> None:
    fleet, sites = empty_tenant()
    first, _, again = (clusters.draw(fleet, sites, sites.clusters[at]) for at in (0, 1, 0))
    assert [node.name for node in first.nodes] == [node.name for node in again.nodes]
    assert (first.sees, first.control) == (again.sees, again.control)


def test_an_address_is_one_workloads_at_a_time() -> None:
    fleet, _ = empty_tenant()
    network, held = Network(60), defaultdict(list)
    for number in range(12_000):
        start = fleet.start + number * 300
        held[network.take(fleet, start, start + 10 * DAY)].append((start, start + 10 * DAY))
    assert max(map(len, held.values())) > 1
    for intervals in held.values():
        assert all(new[0] >= old[1] + 60 for old, new in pairwise(sorted(intervals)))


def test_a_network_without_room_says_so() -> None:
    fleet, _ = empty_tenant()
    network = Network(60)
    for place in range(64):
        for host in range(1, 255):
            network.taken[f"10.124.{place}.{host}"] = [(fleet.start, fleet.end)]
    with pytest.raises(UsageError, match="choose more clusters"):
        network.take(fleet, fleet.start, fleet.end)


def test_a_slot_has_one_node_at_a_time_for_the_whole_simulation(tenants: list[tuple[Fleet, Cluster]]) -> None:
    for fleet, cluster in tenants:
        assert 10 <= len(cluster.slots) <= 60
        for slot in cluster.slots:
            assert slot[0].start <= fleet.start
            assert slot[-1].end >= fleet.end - HOUR
            assert all(0 < new.start - old.end < HOUR for old, new in pairwise(slot))


def test_spot_nodes_live_for_hours_and_the_others_for_days(tenants: list[tuple[Fleet, Cluster]]) -> None:
    counts = [len(slot) for _, cluster in tenants for slot in cluster.slots]
    assert 0.15 < sum(count > 12 for count in counts) / len(counts) < 0.45
    assert sum(count < 8 for count in counts) / len(counts) > 0.5


def test_a_host_runs_when_it_is_asked_for(tenants: list[tuple[Fleet, Cluster]]) -> None:
    for fleet, cluster in tenants:
        for number in range(200):
            second = fleet.start + number * 2 * HOUR
            node = cluster.host(number / 200, second)
            assert node.start <= second < node.end


def test_clusters_differ_in_what_their_api_server_sees(tenants: list[tuple[Fleet, Cluster]]) -> None:
    assert len(Counter(cluster.sees for _, cluster in tenants)) >= 2
    for _, cluster in tenants:
        ways = {id(node.egress) for node in cluster.nodes}
        assert len(ways) == (1 if cluster.sees == "gateway" else len(cluster.nodes))


def test_kubelets_are_heard_about_every_two_hours_while_they_run() -> None:
    fleet, cluster = drawn(3, days=7)
    clusters.run(fleet, cluster)
    alive = sum(min(fleet.end, node.end) - max(fleet.start, node.start) for node in cluster.nodes) / DAY
    kubelets = {id(node.holding.caller) for node in cluster.nodes}
    heard = [call for call in fleet.calls if id(call.caller) in kubelets]
    assert 11 < len(heard) / alive < 13
    assert all(call.context.client.startswith("kubelet/v1.") for call in heard)


def test_a_controller_says_that_a_node_is_gone() -> None:
    fleet, cluster = drawn(2, days=7)
    clusters.run(fleet, cluster)
    gone = {call.action.resource: call.second for call in fleet.calls if call.action.name == "delete nodes"}
    ended = {f"/{node.name}": node.end for node in cluster.nodes if fleet.start < node.end < fleet.end - HOUR}
    assert ended
    assert all(ended[name] < gone[name] < ended[name] + HOUR for name in ended)
