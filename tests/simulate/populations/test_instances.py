from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from detector.domain import KINDS, Activity
from detector.simulate.fleet import Fleet
from detector.simulate.populations.instances import Instances
from detector.simulate.world import HOUR, MINUTE
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Instances(), principals=900, days=10)


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.session/instance"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Instances(), principals=200, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_a_key_is_renewed_before_it_expires_while_its_instance_lives(fleet: Fleet) -> None:
    by_instance = defaultdict(list)
    for holding in fleet.holdings:
        by_instance[holding.workload].append(holding)
    renewed = 0
    for held in by_instance.values():
        for old, new in pairwise(sorted(held, key=lambda one: one.start)):
            renewed += 1
            assert 5 * MINUTE <= old.end - new.start < HOUR
    assert renewed > 1_000


def test_a_role_has_one_instance_or_a_few_at_a_time(fleet: Fleet) -> None:
    noon = fleet.start + 100 * HOUR
    alive = defaultdict(set)
    for holding in fleet.holdings:
        if holding.start <= noon < holding.last:
            alive[holding.principal.name].add(holding.workload)
    counts = sorted(len(instances) for instances in alive.values())
    assert counts[0] == 1
    assert 3 <= counts[-1] <= 12


def test_an_instance_that_is_gone_is_said_to_be_gone_and_does_nothing_after(fleet: Fleet) -> None:
    ended = {row.instance: row.time for row in read(fleet.calls) if row.activity == Activity.END}
    gone = {one.workload: one.workload_end for one in fleet.holdings if one.workload_end < fleet.end - HOUR}
    assert set(gone) <= set(ended)
    assert all(5 <= ended[name] / 1e6 - end <= 120 for name, end in gone.items())
    for row in read(fleet.calls):
        if KINDS[row.kind].label == "aws.session/instance" and row.instance in gone:
            assert row.time / 1e6 <= gone[row.instance]


def test_instances_leave_by_gateways_endpoints_and_addresses_of_their_own(fleet: Fleet) -> None:
    networks = defaultdict(set)
    for row in read(fleet.calls):
        if row.instance and row.use_index == 0:
            networks[row.instance].add((row.address.partition(".")[0], row.channel.partition(":")[0]))
    kinds = {frozenset(seen) for seen in networks.values()}
    assert {frozenset({("241", "")}), frozenset({("10", "vpce")}), frozenset({("241", ""), ("10", "vpce")})} <= kinds
    private = defaultdict(set)
    for row in read(fleet.calls):
        if row.channel.startswith("vpce:"):
            private[row.instance].add(row.address)
    assert all(len(addresses) == 1 for addresses in private.values())


def test_some_groups_still_use_the_first_version_of_the_metadata_service(fleet: Fleet) -> None:
    versions = {
        json.loads(call.caller.render(call))["userIdentity"].get("sessionContext", {}).get("ec2RoleDelivery")
        for call in fleet.calls
    }
    assert {"1.0", "2.0"} <= versions


def test_the_hard_tier_lends_credentials_and_moves_groups() -> None:
    hard = tenant(Instances(), principals=900, days=10, tier="hard", migration=0.05, local_debugging=0.05)
    assert {"migration", "local_debugging"} <= {call.churn for call in hard.calls}
