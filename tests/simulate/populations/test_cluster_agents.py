from __future__ import annotations

import pytest

from detector.domain import ActorClass, Outcome
from detector.simulate.catalogue import CLUSTER_STRANGE
from detector.simulate.clients import CLUSTER_LIBRARIES, CLUSTER_TOOLS
from detector.simulate.fleet import Fleet
from detector.simulate.populations.cluster_agents import ClusterAgents
from detector.simulate.world import DAY
from tests.simulate.clusters import audited, misread
from tests.simulate.tenants import tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(ClusterAgents(), principals=1200, days=14)


def test_a_secrets_token_or_a_certificate_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert misread(fleet) == []
    assert {one.kind for one in fleet.holdings} == {"k8s.legacy-token", "k8s.client-cert"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(ClusterAgents(), principals=400, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


@pytest.mark.parametrize("principals", [40, 1200])
def test_everything_a_stranger_tries_is_done_benignly_every_week_of_every_tenant(principals: int) -> None:
    fleet = tenant(ClusterAgents(), principals=principals, days=21, seed=5)
    for week in range(3):
        begin = fleet.start + week * 7 * DAY
        done = {call.action for call in fleet.calls if begin <= call.second < begin + 7 * DAY and not call.error}
        assert set(CLUSTER_STRANGE) - done == set()


@pytest.mark.parametrize("principals", [40, 1200])
def test_every_tool_a_stranger_brings_is_in_benign_use(principals: int) -> None:
    fleet = tenant(ClusterAgents(), principals=principals, days=21, seed=6)
    assert {*CLUSTER_TOOLS, *CLUSTER_LIBRARIES} <= {call.context.client for call in fleet.calls}


def test_people_stay_people_and_the_installers_certificate_is_nobody_known(fleet: Fleet) -> None:
    classes = {row.principal: row.actor_class for row in audited(fleet.calls)}
    people = {name for name, of in classes.items() if of == ActorClass.HUMAN}
    assert people
    assert all(name.endswith("@example.com") for name in people)
    assert classes["kubernetes-admin"] == ActorClass.UNKNOWN


def test_a_copied_certificate_is_used_from_several_desks(fleet: Fleet) -> None:
    copies = [one for one in fleet.holdings if one.principal.name == "kubernetes-admin"]
    assert len({id(one.habitat.egress) for one in copies}) > len({one.credential for one in copies})


def test_a_scanner_looks_at_everything_each_day_and_may_not_see_every_secret() -> None:
    found = set()
    for seed in range(4):
        fleet = tenant(ClusterAgents(), principals=400, days=5, seed=seed)
        rows = [row for row in audited(fleet.calls) if ":posture-" in row.principal]
        days = {row.time // 1_000_000 // DAY for row in rows}
        assert len(days) >= 5
        found |= {row.outcome for row in rows if row.action == "core:list secrets"}
        assert len({row.action for row in rows}) > 20
    assert found == {Outcome.ALLOWED, Outcome.DENIED}


def test_each_job_of_a_hosted_pipeline_has_an_address_of_its_own() -> None:
    fleet = tenant(ClusterAgents(), principals=400, days=14, hosted_ci=1.0)
    jobs: dict[str, set[int]] = {}
    for call in fleet.calls:
        if call.churn == "ci_runner":
            jobs.setdefault(call.context.address, set()).add(call.second)
    assert len(jobs) > 10
    assert all(max(seconds) - min(seconds) < DAY // 4 for seconds in jobs.values())
