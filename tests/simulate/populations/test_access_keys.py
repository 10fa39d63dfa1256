from __future__ import annotations

from collections import defaultdict

import pytest

from detector.domain import Activity
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.populations.access_keys import AccessKeys
from detector.simulate.world import DAY
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(AccessKeys(), principals=4000, shared_keys=0.1)


def holders(fleet: Fleet) -> dict[str, list[Holding]]:
    found = defaultdict(list)
    for holding in fleet.holdings:
        found[holding.credential].append(holding)
    return found


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.access-key"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(AccessKeys(), principals=200, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_keys_are_used_from_everywhere_that_thieves_come_from(fleet: Fleet) -> None:
    first = {call.context.address.partition(".")[0] for call in fleet.calls if call.churn != "rotation"}
    assert {"241", "242", "243", "244", "245", "246"} <= first
    assert [call for call in fleet.calls if call.context.address.startswith("2001:db8:")]


def test_a_shared_key_has_holders_in_places_of_their_own(fleet: Fleet) -> None:
    shared = [
        held for held in holders(fleet).values() if len({id(one.habitat.egress) for one in held}) >= 3
    ]  # fmt: skip
    assert 0.03 < len(shared) / len(holders(fleet)) < 0.2
    late = [one for held in shared for one in held if one.start > fleet.start + DAY]
    assert late
    assert [call for call in fleet.calls if call.churn == "new_member"]


def test_a_rotated_key_is_created_overlaps_with_its_successor_and_is_withdrawn(fleet: Fleet) -> None:
    rows = read(call for call in fleet.calls if call.churn == "rotation")
    issued = {row.credential: row for row in rows if row.activity == Activity.ISSUE}
    withdrawn = {row.credential for row in rows if row.activity == Activity.REVOKE}
    by_owner = defaultdict(list)
    for held in holders(fleet).values():
        by_owner[held[0].principal.name].append(held[0])
    rotated = [sorted(keys, key=lambda one: one.end) for keys in by_owner.values() if len(keys) == 2]
    assert len(rotated) >= 5
    for old, new in rotated:
        assert new.credential in issued
        assert new.start < old.end + DAY
        assert old.until <= old.end < fleet.end + 8 * DAY
        assert old.end >= fleet.end or old.credential in withdrawn


def test_tools_that_rotate_their_own_key_and_administrators_who_do_it_for_others_both_exist(fleet: Fleet) -> None:
    callers = {call.caller.log and row.credential[:4] for call in fleet.calls if call.churn == "rotation"
               for row in read([call])[:1]}  # fmt: skip
    assert callers == {"AKIA", "ASIA"}


def test_a_forgotten_job_is_refused_with_the_key_that_was_withdrawn(fleet: Fleet) -> None:
    retries = [call for call in fleet.calls if call.churn == "revoked_retry"]
    assert retries
    ends = {id(one.caller): one.end for one in fleet.holdings}
    assert all(call.error == "InvalidClientTokenId" and call.second >= ends[id(call.caller)] for call in retries)


def test_nobody_uses_a_key_before_it_exists_or_after_it_is_gone(fleet: Fleet) -> None:
    good = {
        credential: (min(one.start for one in held), max(one.end for one in held))
        for credential, held in holders(fleet).items()
    }
    for call, row in zip(fleet.calls, (row for row in read(fleet.calls) if row.use_index == 0), strict=True):
        if row.credential in good and not call.error:
            assert good[row.credential][0] <= call.second <= good[row.credential][1]


def test_a_dormant_key_is_used_on_a_few_days_at_most(fleet: Fleet) -> None:
    days = defaultdict(set)
    for call in fleet.calls:
        if call.churn == "dormant":
            days[id(call.caller)].add(call.second // DAY)
    assert days
    assert max(map(len, days.values())) <= 8


def test_only_the_hard_tier_has_engineers_who_borrow_a_servers_key() -> None:
    def borrowed(fleet: Fleet) -> int:
        return sum(call.churn == "local_debugging" for call in fleet.calls)

    assert borrowed(tenant(AccessKeys(), principals=1200)) == 0
    assert borrowed(tenant(AccessKeys(), principals=1200, tier="hard", local_debugging=0.05)) > 0
