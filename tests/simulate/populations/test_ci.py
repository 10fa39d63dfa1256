from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from detector.domain import KINDS, Activity
from detector.simulate.catalogue import AWS_PRIVILEGED
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.populations.ci import Ci
from detector.simulate.world import DAY, HOUR
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Ci(), principals=2_000, days=14, group_size=12.0)


def jobs(fleet: Fleet) -> list[Holding]:
    return [one for one in fleet.holdings if one.start < fleet.end]


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.session/web-identity"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Ci(), principals=300, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_every_job_trades_its_token_for_the_key_it_uses_until_it_ends(fleet: Fleet) -> None:
    rows = read(fleet.calls)
    issued = {row.credential: row for row in rows if row.activity == Activity.ISSUE}
    exchanges = {row.native_id: row for row in rows if row.activity == Activity.EXCHANGE}
    held = {one.credential: one for one in jobs(fleet)}
    assert set(issued) == set(held)
    for key, one in held.items():
        row = issued[key]
        assert (row.principal, row.session, row.expires_at // 10**6) == (one.principal.name, one.session, one.end)
        assert exchanges[row.native_id].principal.startswith("arn:aws:iam::")
        assert ":repo:example/" in exchanges[row.native_id].principal
    for row in rows:
        if row.activity == Activity.USE:
            one = held[row.credential]
            assert one.start < row.time // 10**6 < one.workload_end <= one.end


def test_jobs_last_minutes_and_their_sessions_an_hour(fleet: Fleet) -> None:
    assert 200 < np.median([one.workload_end - one.start for one in jobs(fleet)]) < 450
    lives = Counter(one.end - one.start for one in jobs(fleet))
    assert lives.most_common(1)[0][0] == HOUR
    assert len(lives) == 4


def test_hosted_runners_are_ever_new_and_own_ones_are_not(fleet: Fleet) -> None:
    where = defaultdict(set)
    for call in fleet.calls:
        where[call.context.address.startswith("242.")].add(call.context.address)
    hosted = [one for one in jobs(fleet) if one.habitat.egress.spans[0].churn == "hosted_runner"]
    assert 0.4 < len(hosted) / len(jobs(fleet)) < 0.95
    assert len(where[True]) > 0.99 * len(hosted)
    assert len(where[False]) < 100


def test_jobs_of_one_session_run_side_by_side(fleet: Fleet) -> None:
    runs = Counter((one.principal.name, one.workload.partition("/")[0]) for one in jobs(fleet))
    assert max(runs.values()) == 8
    assert Counter(runs.values())[1] > 100


def test_there_is_less_to_do_on_weekends(fleet: Fleet) -> None:
    by_day = Counter((one.start - fleet.start) // DAY % 7 for one in jobs(fleet))
    assert max(by_day[5], by_day[6]) < 0.6 * min(by_day[day] for day in range(5))


def test_terraform_changes_things_once_a_week_with_many_actions(fleet: Fleet) -> None:
    applied = Counter(id(call.caller) for call in fleet.calls if call.churn == "terraform")
    assert len(applied) > 20
    assert min(applied.values()) >= 1
    assert 30 <= np.median(list(applied.values())) <= 300
    privileged = {action.text for action in AWS_PRIVILEGED}
    assert privileged & {call.action.text for call in fleet.calls if call.churn == "terraform"}
    weeks = defaultdict(list)
    for one in jobs(fleet):
        if id(one.caller) in applied:
            weeks[one.principal.name].append(one.start)
    twice = [starts for starts in weeks.values() if len(starts) == 2]
    assert twice
    assert all(abs(abs(starts[1] - starts[0]) - 7 * DAY) < 60 for starts in twice)
    assert {KINDS[row.kind].label for row in read(fleet.calls)} == {"aws.session/web-identity"}


def test_a_silenced_workflow_does_not_log_in_either(fleet: Fleet) -> None:
    quiet = tenant(Ci(), principals=300, days=3)
    owner = quiet.holdings[0].principal
    quiet.silence(owner, quiet.start, quiet.end)
    quiet.finish()
    assert quiet.calls
    assert not [row for row in read(quiet.calls) if row.principal == owner.name]
    assert not [call for call in quiet.calls if quiet.callers.get(id(call.caller)) is owner]


def test_the_hard_tier_moves_runners() -> None:
    hard = tenant(Ci(), principals=2_000, days=8, tier="hard", migration=0.3, hosted_ci=0.2)
    assert "migration" in {call.churn for call in hard.calls}
