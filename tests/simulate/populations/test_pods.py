from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest

from detector.domain import Activity
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.populations.pods import Pods
from detector.simulate.world import DAY, HOUR
from tests.simulate.clusters import audited, misread
from tests.simulate.tenants import tenant

BOUND = "k8s.bound-token"


@pytest.fixture(scope="module")
def fleets() -> list[Fleet]:
    return [tenant(Pods(), seed=seed, principals=300, days=6) for seed in range(1, 6)]


def tokens(fleet: Fleet) -> list[Holding]:
    return [one for one in fleet.holdings if one.kind == BOUND]


def test_a_token_is_read_as_what_it_is(fleets: list[Fleet]) -> None:
    assert [misread(fleet) for fleet in fleets] == [[]] * len(fleets)


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Pods(), principals=100, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_a_token_is_issued_by_a_kubelet_before_it_is_used(fleets: list[Fleet]) -> None:
    for fleet in fleets:
        rows = audited(fleet.calls)
        issued = {row.credential: row.time for row in rows if row.activity == Activity.ISSUE}
        old = {one.credential for one in tokens(fleet) if one.start < fleet.start + 5}
        uses = [
            row for row in rows if row.activity == Activity.USE and row.credential.startswith("JTI=") and row.session
        ]
        assert uses
        assert all(row.credential in old or issued[row.credential] < row.time for row in uses)


def test_a_pod_renews_its_token_at_four_fifths_of_an_hour_unless_it_reads_it_once(fleets: list[Fleet]) -> None:
    year, renewed = 365 * DAY, 0
    for fleet in fleets:
        for one in tokens(fleet):
            assert one.end - one.start in {3607, year}
            renewed += one.last - one.start <= 2885
            assert one.last - one.start <= 2885 or one.end - one.start == year
    assert renewed > 1_000


def test_a_pod_does_nothing_once_it_is_gone_and_its_end_is_logged(fleets: list[Fleet]) -> None:
    for fleet in fleets:
        ended: dict[str, int] = {}
        ends = {(row.realm, row.instance): row.time for row in audited(fleet.calls) if row.activity == Activity.END}
        by_caller = {id(one.caller): one for one in tokens(fleet)}
        for call in fleet.calls:
            one = by_caller.get(id(call.caller))
            assert one is None or one.start <= call.second < one.workload_end
        for one in tokens(fleet):
            namespace = one.principal.group.path.strip("/")
            if one.workload_end < fleet.end - HOUR:
                assert ends[one.principal.realm, f"{namespace}/{one.workload}"] // 1_000_000 > one.workload_end
                ended[one.session] = one.workload_end
        assert len(ended) > 100


def test_a_name_is_one_pods_at_a_time(fleets: list[Fleet]) -> None:
    reused = 0
    for fleet in fleets:
        pods = defaultdict(set)
        for one in tokens(fleet):
            pods[one.principal, one.workload].add((one.workload_end, one.session))
        first_token = {one.session: one.start for one in reversed(tokens(fleet))}
        for lives in pods.values():
            for (end, _), (_, successor) in pairwise(sorted(lives)):
                reused += 1
                assert first_token[successor] > end
    assert reused > 20


def test_pods_come_from_their_nodes_from_addresses_of_their_own_or_by_gateways(fleets: list[Fleet]) -> None:
    places = set()
    for fleet in fleets:
        nodes = {(one.principal.realm, one.workload): one.habitat.egress for one in fleet.holdings if one.kind != BOUND}
        ways = {id(egress) for egress in nodes.values()}
        for one in tokens(fleet):
            (address, *more) = one.habitat.egress.spans[0].addresses
            places.add("gateway" if more else "node" if id(one.habitat.egress) in ways else "pod")
            assert bool(more) != address.startswith("10.")
    assert places == {"gateway", "node", "pod"}


def test_in_the_hard_tier_engineers_take_tokens_to_their_desks() -> None:
    fleet = tenant(Pods(), tier="hard", principals=300, days=6, local_debugging=0.05)
    borrowed = [call for call in fleet.calls if call.churn == "local_debugging"]
    assert borrowed
    assert all(call.context.client.startswith("kubectl/") for call in borrowed)
