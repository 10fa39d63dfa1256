from __future__ import annotations

import pytest

from detector.simulate.products import LLM, PRODUCTS, SAAS, Product
from detector.simulate.teams import Way, crews, path_of, place, staff, team
from tests.simulate.tenants import empty_tenant

LIFE = 3_600
KEY = Way("api-key", 0.75, SAAS, {"cloud": 1.0}, "key-")
TOKEN = Way("agent.token", 0.25, LLM, {"laptop": 1.0}, "tok-", life=LIFE, workload_days=0.5)


def test_ways_share_the_principals_and_name_them() -> None:
    fleet, sites = empty_tenant(days=15, new_service=0.0)
    staff(fleet, sites, 80, ["here"], [KEY, TOKEN], lambda realm, _way, team, number: f"{realm}/{team}/{number}")
    names = {
        kind: {held.principal.name for held in fleet.holdings if held.kind == kind}
        for kind in ("api-key", "agent.token")
    }
    assert len(names["api-key"]) == 60
    assert 15 < len(names["agent.token"]) <= 20  # who had no work has no token
    assert all(held.principal.group.path == path_of(held.principal.name) for held in fleet.holdings)
    assert {group.owner for group in fleet.groups} == {name.split("/")[1] for found in names.values() for name in found}


def test_a_token_is_good_for_its_life_and_gone_with_its_workload() -> None:
    fleet, sites = empty_tenant(days=4)
    staff(fleet, sites, 20, ["here"], [TOKEN], lambda realm, _way, team, number: f"{realm}/{team}/{number}")
    assert fleet.holdings
    for held in fleet.holdings:
        assert held.end == held.start + LIFE
        assert held.start < held.workload_end
        assert held.session == held.workload != ""


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.work[0].service)
def test_somebody_benign_does_what_strangers_try_and_runs_what_they_run(product: Product) -> None:
    fleet, _ = empty_tenant(days=4)
    groups = [team(fleet, "here", "/", "api-key", product, operators=at % 2 == 0) for at in range(100)]
    done = {action for group in groups for action in (*group.repertoire.actions, *group.repertoire.rare)}
    agents = {agent for group in groups for _, agent, _ in group.releases.versions}
    assert {action for group in groups for action in group.unusual} <= done
    assert {agent for group in groups for agent in (*group.tools, *group.sdks)} <= agents
    assert {group.repertoire.denied_error for group in groups} == {product.refusal}


def test_every_kind_has_operators_and_its_groups_add_up() -> None:
    fleet, _ = empty_tenant(days=4)
    for principals in (2, 13, 100):
        found = list(crews(fleet, principals))
        assert sum(size for size, _ in found) == principals
        assert [operators for _, operators in found] == [True, *[False] * (len(found) - 1)]
    assert list(crews(fleet, 0)) == []


def test_members_share_a_gateway_and_not_a_vendor() -> None:
    fleet, sites = empty_tenant(days=4)
    gateway, vendor = place(fleet, sites, {"cloud": 1.0}), place(fleet, sites, {"vendor": 1.0})
    assert gateway() is gateway()
    assert vendor() is not vendor()


@pytest.mark.parametrize(
    ("name", "path"),
    [("spiffe://domain/ns/pay/sa/api", "/ns/pay/sa/"), ("org/shop/ci.yml", "/shop/"), ("ETL_3", "/"), ("org/x", "/")],
)
def test_the_path_of_a_name_is_between_its_first_and_its_last_slash(name: str, path: str) -> None:
    assert path_of(name) == path
