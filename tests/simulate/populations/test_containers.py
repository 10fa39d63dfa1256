from __future__ import annotations

import re

import pytest

from detector.simulate.fleet import Fleet
from detector.simulate.populations.containers import Containers
from tests.simulate.tenants import disagreements, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Containers(), principals=3_000, days=8, group_size=6.0)


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.session/container"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Containers(), principals=400, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_a_task_has_an_id_of_its_own_and_no_use_after_its_end(fleet: Fleet) -> None:
    of = {id(one.caller): one for one in fleet.holdings}
    assert all(re.fullmatch("[0-9a-f]{32}", one.session) for one in fleet.holdings)
    assert all(call.second <= of[id(call.caller)].workload_end for call in fleet.calls)
    assert len({one.workload for one in fleet.holdings}) > 0.9 * fleet.story["tasks"] > 1_000


def test_tasks_with_public_addresses_have_another_one_each_time(fleet: Fleet) -> None:
    fresh = [call for call in fleet.calls if call.churn == "new_task"]
    tasks = {one.session for one in fleet.holdings if one.habitat.egress.spans[0].churn == "new_task"}
    assert 0.05 < len(fresh) / len(fleet.calls) < 0.7
    addresses = {one.habitat.egress.spans[0].addresses for one in fleet.holdings if one.session in tasks}
    assert len(addresses) > 0.9 * len(tasks)


def test_the_client_says_what_runs_the_task(fleet: Fleet) -> None:
    kinds = {call.context.client.partition("exec-env/AWS_ECS_")[2].partition(" ")[0] for call in fleet.calls}
    assert kinds == {"FARGATE", "EC2"}


def test_the_hard_tier_moves_groups() -> None:
    hard = tenant(Containers(), principals=3_000, days=8, tier="hard", group_size=6.0, migration=0.1)
    assert "migration" in {call.churn for call in hard.calls}
