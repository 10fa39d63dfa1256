from __future__ import annotations

import json
from collections import defaultdict

import pytest

from detector.domain import Activity
from detector.simulate.fleet import Fleet
from detector.simulate.formats.cloudtrail import Identity
from detector.simulate.populations.vendors import Vendors
from tests.simulate.tenants import disagreements, read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Vendors(), principals=3000)


def test_a_vendors_key_or_session_is_read_as_what_it_is(fleet: Fleet) -> None:
    assert disagreements(fleet) == []
    assert {holding.kind for holding in fleet.holdings} == {"aws.access-key", "aws.session/assumed"}


def test_a_role_is_assumed_from_the_vendors_account_with_an_external_id(fleet: Fleet) -> None:
    exchanges = [json.loads(call.caller.render(call)) for call in fleet.calls if call.action.name == "AssumeRole"]
    assert exchanges
    for record in exchanges:
        assert record["userIdentity"]["type"] == "AWSAccount"
        assert record["userIdentity"]["accountId"] != record["recipientAccountId"]
        assert len(record["requestParameters"]["externalId"]) == 32


def test_every_session_in_use_was_issued_in_the_log_before(fleet: Fleet) -> None:
    issued: dict[str, int] = {}
    for row in read(fleet.calls):
        if row.activity == Activity.ISSUE:
            issued[row.credential] = row.time
        elif row.credential.startswith("ASIA"):
            assert issued[row.credential] <= row.time


def test_most_vendors_have_an_address_or_three_and_some_a_pool() -> None:
    fleet = tenant(Vendors(), principals=8000)
    sizes = [len(one.addresses) for holding in fleet.holdings for one in holding.habitat.egress.spans[:1]]
    assert set(sizes) == {1, 2, 3, 50}


def test_vendors_hop_regions_and_in_the_hard_tier_fail_over() -> None:
    def causes(fleet: Fleet) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for call in fleet.calls:
            found[call.churn] += 1
        return found

    ordinary, hard = causes(tenant(Vendors(), principals=3000)), causes(tenant(Vendors(), principals=3000, tier="hard"))
    assert ordinary["vendor_region_hop"]
    assert not ordinary["isp_failover"]
    assert hard["isp_failover"]


def test_a_vendors_own_calls_carry_no_key_of_the_tenant(fleet: Fleet) -> None:
    parents = {call.caller for call in fleet.calls if call.action.name == "AssumeRole"}
    assert all(isinstance(parent, Identity) and parent.key == "" for parent in parents)
