from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import numpy as np
import pytest

from detector.simulate.addresses import REGIONS, AddressPlan, ranges

NOBODY = [ip_network(block) for block in ("240.0.0.0/4", "2001:db8::/32", "10.0.0.0/8")]
PLAN = AddressPlan(np.random.default_rng(1))
DRAWS: dict[str, Callable[[], str]] = {
    "gateway": lambda: PLAN.gateway("eu-west-1"),
    "instance": lambda: PLAN.instance("eu-west-1"),
    "function": lambda: PLAN.function("eu-west-1"),
    "other_cloud": PLAN.other_cloud,
    "runner": PLAN.runner,
    "hosting": PLAN.hosting,
    "residential": PLAN.residential,
    "office": PLAN.office,
    "web_gateway": lambda: PLAN.web_gateway(2),
    "private": PLAN.private,
}
OWNERS = {
    "gateway": "cloud", "instance": "cloud", "function": "cloud", "other_cloud": "other-cloud", "runner": "hosted-ci",
    "hosting": "hosting-", "residential": "isp-", "web_gateway": "web-gateway-2",
}  # fmt: skip


def owners(address: str) -> list[str]:
    found = ip_address(address)
    return [name for name, blocks in ranges().items() if any(found in ip_network(block) for block in blocks)]


@pytest.mark.parametrize("kind", DRAWS)
def test_every_address_belongs_to_nobody(kind: str) -> None:
    for _ in range(300):
        address = ip_address(DRAWS[kind]())
        assert any(address in block for block in NOBODY if block.version == address.version)


@pytest.mark.parametrize(("kind", "owner"), OWNERS.items())
def test_the_known_ranges_say_whose_an_address_is(kind: str, owner: str) -> None:
    for _ in range(300):
        (found,) = owners(DRAWS[kind]())
        assert found.startswith(owner)


def test_half_of_homes_have_ipv6_with_a_new_address_in_the_same_home_network() -> None:
    homes = [PLAN.residential() for _ in range(400)]
    assert 100 < sum(":" in address for address in homes) < 300
    same = [ip_address(PLAN.residential_v6(3, 77)) for _ in range(20)]
    assert len(set(same)) > 15
    assert len({int(address) >> 80 for address in same}) == 1


@pytest.mark.parametrize("region", REGIONS)
def test_regions_share_no_prefix(region: str) -> None:
    mine = {PLAN.instance(region).split(".")[1] for _ in range(200)}
    others = {PLAN.instance(other).split(".")[1] for other in REGIONS if other != region for _ in range(200)}
    assert not mine & others


def test_hosted_runners_are_practically_never_the_same() -> None:
    assert len({PLAN.runner() for _ in range(1_000)}) > 995
