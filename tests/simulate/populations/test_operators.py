from __future__ import annotations

from collections import defaultdict

import pytest

from detector.domain import Activity, ActorClass
from detector.simulate.catalogue import (
    AWS_COMPUTE,
    AWS_ENUMERATION,
    AWS_PERSISTENCE,
    AWS_PRIVILEGED,
    AWS_SECRETS,
    AWS_TAMPERING,
    AWS_WORK,
)
from detector.simulate.fleet import Fleet
from detector.simulate.populations.instances import Instances
from detector.simulate.populations.operators import Operators
from detector.simulate.world import DAY
from tests.simulate.tenants import disagreements, read, tenant

CATALOGUE = (
    *(*AWS_WORK, *AWS_ENUMERATION, *AWS_SECRETS, *AWS_COMPUTE),
    *(*AWS_PRIVILEGED, *AWS_PERSISTENCE, *AWS_TAMPERING),
)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Operators(), principals=1200, incidents=0.3, drills=0.3)


@pytest.mark.parametrize("principals", [40, 1200])
def test_everything_in_the_catalogue_is_done_benignly_every_week_of_every_tenant(principals: int) -> None:
    fleet = tenant(Operators(), principals=principals, days=21, seed=5)
    for week in range(3):
        begin = fleet.start + week * 7 * DAY
        done = {call.action for call in fleet.calls if begin <= call.second < begin + 7 * DAY}
        assert set(CATALOGUE) - done == set()


def test_regions_in_which_nobody_works_are_looked_at_every_day_by_somebody() -> None:
    fleet = tenant(Operators(), principals=100, regions=2)
    days = defaultdict(set)
    for call in fleet.calls:
        days[call.context.region].add((call.second - fleet.start) // DAY)
    assert {"ap-southeast-2", "us-west-2", "sa-east-1"} <= {region for region, seen in days.items() if len(seen) == 21}


def test_a_tools_key_or_session_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.access-key", "aws.session/assumed"}


def test_every_session_was_issued_to_the_key_of_its_tool(fleet: Fleet) -> None:
    parents = {row.credential: row.parent for row in read(fleet.calls) if row.activity == Activity.ISSUE}
    sessions = {holding.credential for holding in fleet.holdings if holding.kind == "aws.session/assumed"}
    keys = {holding.credential for holding in fleet.holdings if holding.kind == "aws.access-key"}
    assert sessions
    assert all(parents[session] in keys for session in sessions)


def test_a_run_of_infrastructure_as_code_makes_thirty_to_three_hundred_calls_some_of_them_rare() -> None:
    fleet = tenant(Operators(), principals=1200, drills=0.0, incidents=0.0)
    runs: dict[tuple[int, int], int] = defaultdict(int)
    rare = 0
    control = {*AWS_PRIVILEGED, *AWS_PERSISTENCE, *AWS_TAMPERING}
    for call in fleet.calls:
        if call.churn == "terraform":
            runs[id(call.caller), call.second // (DAY // 2)] += 1
            rare += call.action in control
    assert min(runs.values()) >= 20
    assert max(runs.values()) <= 300
    assert 0.05 < rare / sum(runs.values()) < 0.2


def test_in_an_incident_people_sign_in_and_somebody_breaks_the_glass(fleet: Fleet) -> None:
    rows = {row.native_id: row for row in read(fleet.calls) if row.use_index == 0}
    calls = [rows[call.event_id] for call in fleet.calls if call.churn == "incident_response"]
    humans = {row.session for row in calls if row.actor_class == ActorClass.HUMAN}
    assert len(humans) >= 3
    assert [row for row in calls if "/break-glass/" in row.principal and row.actor_class == ActorClass.UNKNOWN]


def test_a_drill_uses_a_region_in_which_the_tenant_has_nothing(fleet: Fleet) -> None:
    regions = {call.context.region for call in fleet.calls if call.churn == "recovery_drill"}
    assert regions
    assert "ap-southeast-2" in regions  # two regions are worked in, this is the third
    writes = {call.action.name for call in fleet.calls if call.churn == "recovery_drill" and not call.action.read_only}
    assert writes


def test_testers_are_hired_in_the_hard_tier_only_and_use_credentials_of_others() -> None:
    ordinary = tenant(Instances(), Operators(), principals=300)
    hard = tenant(Instances(), Operators(), principals=300, tier="hard", pentests=0.2)
    assert not [call for call in ordinary.calls if call.churn == "pentest"]
    tests = [call for call in hard.calls if call.churn == "pentest"]
    assert len({id(call.caller) for call in tests}) >= 3
    assert all(call.context.address.startswith("243.") for call in tests)


def test_testers_change_nobody_elses_events() -> None:
    def others(pentests: float) -> list[str]:
        fleet = tenant(Operators(), principals=200, tier="hard", pentests=pentests)
        return [call.event_id for call in fleet.calls if call.churn != "pentest"]

    assert others(0.0) == others(0.3)
