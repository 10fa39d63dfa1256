from __future__ import annotations

from detector.domain import KIND_CODE
from detector.simulate.populations.saas_keys import SaasKeys
from tests.simulate.use_tenants import lived, told_as_held

KINDS = ("api-key", "snowflake.password", "snowflake.keypair")


def test_keys_are_told_as_they_are_held() -> None:
    told_as_held(lived(SaasKeys()), *KINDS)


def test_a_model_is_the_resource_of_what_is_asked_of_it() -> None:
    asked = [row for row in told_as_held(lived(SaasKeys()), *KINDS) if row.action == "llm:chat.completions"]
    assert len({row.resource for row in asked}) > 1
    assert all(row.resource for row in asked)


def test_some_keys_are_shared_by_workloads_in_several_places() -> None:
    fleet = lived(SaasKeys(), shared_keys=1.0)
    egresses: dict[str, set[int]] = {}
    for held in fleet.holdings:
        egresses.setdefault(held.credential, set()).add(id(held.habitat.egress))
    assert max(len(places) for places in egresses.values()) > 2


def test_users_of_a_warehouse_have_keys_of_two_kinds_and_names_without_a_path() -> None:
    rows = told_as_held(lived(SaasKeys()), *KINDS)
    users = {row.principal for row in rows if row.kind != KIND_CODE["api-key"]}
    assert users
    assert all(name == name.upper() and "/" not in name for name in users)
