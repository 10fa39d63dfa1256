from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from detector.domain import KINDS, Activity
from detector.simulate.fleet import Fleet
from detector.simulate.populations.chained import Chained
from detector.simulate.world import HOUR, MINUTE
from tests.simulate.tenants import disagreements, read, tenant

CHILDREN = ("aws.session/assumed", "aws.session/federation")


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Chained(), principals=4_000, days=6, group_size=6.0)


def test_a_key_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {*CHILDREN, "aws.access-key", "aws.session/instance"}


def test_a_seed_fixes_every_record() -> None:
    first, again, other = (tenant(Chained(), principals=400, days=3, seed=seed) for seed in (3, 3, 4))
    records = [[call.caller.render(call) for call in one.calls] for one in (first, again, other)]
    assert records[0] == records[1] != records[2]


def test_every_child_key_is_issued_to_its_principal_by_a_parent_that_is_alive(fleet: Fleet) -> None:
    held = {one.credential: one for one in fleet.holdings}
    issued = {row.credential: row for row in read(fleet.calls) if row.activity == Activity.ISSUE}
    children = [one for one in fleet.holdings if one.kind in CHILDREN and fleet.start <= one.start < fleet.end]
    assert len(children) > 500
    for child in children:
        row = issued[child.credential]
        parent = held[row.parent]
        assert (KINDS[row.kind].label, row.principal, row.session) == (child.kind, child.principal.name, child.session)
        assert (row.realm, row.expires_at // 10**6) == (child.principal.realm, child.end)
        assert parent.start <= child.start < parent.last
        assert 15 * MINUTE <= child.end - child.start <= 12 * HOUR
        if parent.kind != "aws.access-key":
            assert child.end - child.start <= HOUR


def test_most_roles_are_assumed_for_an_hour(fleet: Fleet) -> None:
    lives = Counter(one.end - one.start for one in fleet.holdings if one.kind == CHILDREN[0])
    assert lives.most_common(1)[0][0] == HOUR
    assert len(lives) >= 3


def test_a_child_is_used_from_where_its_parent_is(fleet: Fleet) -> None:
    held = {one.credential: one for one in fleet.holdings}
    parents = {row.credential: held[row.parent] for row in read(fleet.calls) if row.activity == Activity.ISSUE}
    of = {id(one.caller): one for one in fleet.holdings if one.credential in parents}
    children = [call for call in fleet.calls if id(call.caller) in of]
    assert len(children) > 2_000
    for call in children:
        habitat = parents[of[id(call.caller)].credential].habitat
        assert call.context.address in habitat.egress.at(call.second).addresses
        assert call.context.client == habitat.releases.at(habitat.release or call.second)[0]


def test_roles_are_assumed_within_and_across_accounts_under_names_as_code_makes_them(fleet: Fleet) -> None:
    realm_of = {one.credential: one.principal.realm for one in fleet.holdings}
    issued = [row for row in read(fleet.calls) if row.activity == Activity.ISSUE]
    across = [realm_of[row.parent] != row.realm for row in issued]
    assert 0.1 < sum(across) / len(across) < 0.9
    names = defaultdict(set)
    for one in fleet.holdings:
        if one.kind == CHILDREN[0]:
            names[one.principal.name].add(one.session)
    constant = sum(len(sessions) == 1 for sessions in names.values())
    assert 0.1 < constant / len(names) < 0.8


def test_the_hard_tier_lends_and_moves() -> None:
    hard = tenant(Chained(), principals=4_000, days=6, tier="hard", migration=0.1, local_debugging=0.2)
    assert {"migration", "local_debugging"} <= {call.churn for call in hard.calls}
