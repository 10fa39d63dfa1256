from __future__ import annotations

from collections import defaultdict

import pytest

from detector.simulate.fleet import Fleet
from detector.simulate.populations.functions import Functions
from detector.simulate.world import HOUR
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Functions(), principals=2_000, days=8)


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.session/function"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Functions(), principals=300, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_an_environment_comes_with_a_call_and_its_key_is_used_while_it_lives(fleet: Fleet) -> None:
    held = {one.credential: one for one in fleet.holdings}
    uses = defaultdict(list)
    for row in read(fleet.calls):
        uses[row.credential].append(row.time // 10**6)
    assert set(uses) == set(held)
    for key, seconds in uses.items():
        assert held[key].start < seconds[0] <= held[key].start + 60
        assert seconds[-1] <= held[key].last


def test_one_name_has_several_environments_at_once(fleet: Fleet) -> None:
    by_function = defaultdict(list)
    for one in fleet.holdings:
        by_function[one.principal.name, one.session].append(one)
    assert len(by_function) == len({one.principal.name for one in fleet.holdings})
    overlapping = 0
    for held in by_function.values():
        last = 0
        for one in sorted(held, key=lambda one: one.start):
            overlapping += one.start < last
            last = max(last, one.last)
    assert overlapping > 100


def test_the_client_names_the_runtime(fleet: Fleet) -> None:
    assert all(" exec-env/AWS_Lambda_" in call.context.client for call in fleet.calls)


def test_addresses_are_of_the_shared_pool_or_of_the_tenants_gateways(fleet: Fleet) -> None:
    pooled = [call for call in fleet.calls if call.churn == "function_pool"]
    assert 0.3 < len(pooled) / len(fleet.calls) < 0.9
    by_key = defaultdict(set)
    for call in pooled:
        by_key[id(call.caller)].add(call.context.address)
    assert all(len(addresses) == 1 for addresses in by_key.values())
    others = {call.context.address for call in fleet.calls if not call.churn and not call.context.endpoint}
    assert len(others) < 60 < len({call.context.address for call in pooled})


def test_the_hard_tier_lends_credentials() -> None:
    hard = tenant(Functions(), principals=2_000, days=8, tier="hard", local_debugging=0.5)
    lent = [call for call in hard.calls if call.churn == "local_debugging"]
    assert len({call.second // HOUR for call in lent}) > 5
