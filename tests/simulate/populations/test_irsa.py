from __future__ import annotations

import pytest

from detector.domain import KINDS, Activity
from detector.simulate.fleet import Fleet
from detector.simulate.populations.irsa import Irsa
from detector.simulate.world import HOUR, MINUTE
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Irsa(), principals=1200, days=10)


def test_a_session_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {one.kind for one in fleet.holdings} == {"aws.session/web-identity"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Irsa(), principals=400, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_every_session_was_traded_for_the_token_of_a_service_account(fleet: Fleet) -> None:
    rows = read(fleet.calls)
    issues = {row.credential: row for row in rows if row.activity == Activity.ISSUE}
    trades = {
        row.native_id: row for row in rows if row.use_index == 0 and row.action.endswith(":AssumeRoleWithWebIdentity")
    }
    for one in fleet.holdings:
        if one.start >= fleet.start:
            issue = issues[one.credential]
            assert KINDS[issue.kind].label == one.kind
            assert ":system:serviceaccount:" in trades[issue.native_id].principal


def test_a_session_is_renewed_five_minutes_before_its_hour_is_over(fleet: Fleet) -> None:
    for one in fleet.holdings:
        assert one.end - one.start == HOUR
        assert one.last - one.start <= 55 * MINUTE


def test_the_pods_of_a_cluster_leave_by_its_gateways(fleet: Fleet) -> None:
    assert all(call.context.address.startswith("241.") for call in fleet.calls)
    assert len({call.context.address for call in fleet.calls}) <= 3 * 2 * 4 * 3
