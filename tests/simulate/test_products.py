from __future__ import annotations

import pytest

from detector.fingerprint.actions import READ, privilege
from detector.fingerprint.clients import UNKNOWN, client_of
from detector.simulate.clients import Sdk
from detector.simulate.products import GITHUB, OKTA, PRODUCTS, SNOWFLAKE, VAULT, Product


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.work[0].service)
def test_work_and_administration_are_different_things_each_said_once(product: Product) -> None:
    assert len(set(product.work)) == len(product.work) >= 4
    assert len(set(product.administration)) == len(product.administration) >= 6
    assert not set(product.work) & set(product.administration)
    assert product.refusal


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.work[0].service)
def test_every_client_and_tool_names_itself(product: Product) -> None:
    agents = [*product.strangers_tools, *product.strangers_sdks]
    assert len(agents) == len(product.tools) + len(product.clients)
    assert all(client_of(agent).family != UNKNOWN for agent in agents)


def test_a_client_moves_on_with_its_versions() -> None:
    assert Sdk.first("hvac").minor_update().agent() != Sdk.first("hvac").agent()


def test_what_reads_is_known_to_read() -> None:
    reads = {one.text for product in (VAULT, GITHUB, OKTA, SNOWFLAKE) for one in product.work if one.read_only}
    assert {"kv:read", "git:clone", "users:list", "snowflake:SELECT"} <= reads
    assert "git:push" not in reads
    assert privilege("users:list") == READ
