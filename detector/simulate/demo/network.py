"""Where simulated traffic comes from: documentation, benchmark and private ranges only (RFC 5737, 3849, 2544, 1918).

| range | stands for |
|---|---|
| 198.18.0.0/17 | addresses of the cloud: NAT gateways, instances with a public address, the Lambda pool |
| 198.19.0.0/16 | one hosting provider: the CI runners live here, and so does the thief |
| 203.0.113.0/24 | vendors |
| 192.0.2.0/24, 2001:db8::/32 | the office and the homes of engineers |
| 10.0.0.0/8 | inside the network, seen through VPC endpoints |
"""

from __future__ import annotations

import numpy as np

REGIONS = ("us-east-1", "eu-west-1")
OFFICE = "192.0.2.10"
_NAT_GATEWAYS = 4
_HOSTING_PREFIXES = 200


def nat_pool(account: str, region: str) -> tuple[str, ...]:
    """The NAT gateways of a region: each in a prefix of its own, shared by everything behind them."""
    block = 8 * REGIONS.index(region) + (4 if account.startswith("4") else 0)
    return tuple(f"198.18.{block + gateway}.{31 + 40 * gateway}" for gateway in range(_NAT_GATEWAYS))


def public_address(rng: np.random.Generator, region: str) -> str:
    """An instance's own public address: new for each instance, from the prefix the fleet has in that region."""
    return f"198.18.{32 + REGIONS.index(region)}.{rng.integers(4, 250)}"


def function_pool(rng: np.random.Generator) -> str:
    """An address of the Lambda pool: twelve prefixes shared by all functions."""
    return f"198.18.{64 + rng.integers(12)}.{rng.integers(1, 255)}"


def hosting_address(rng: np.random.Generator) -> str:
    """An address of the hosting provider: practically never the same twice."""
    return f"198.19.{rng.integers(_HOSTING_PREFIXES)}.{rng.integers(1, 255)}"


def private_address(rng: np.random.Generator) -> str:
    """An address inside a VPC."""
    return f"10.{rng.integers(16, 32)}.{rng.integers(256)}.{rng.integers(4, 255)}"


def vendor_addresses(number: int) -> tuple[str, str]:
    """The two egress addresses of a vendor."""
    return f"203.0.113.{10 + 4 * number}", f"203.0.113.{11 + 4 * number}"


def home_address(rng: np.random.Generator, engineer: int) -> str:
    """An engineer's home: one /48, a new IPv6 privacy address each time."""
    return f"2001:db8:{0x100 + engineer:x}::{rng.integers(1, 0xFFFF):x}:{rng.integers(1, 0xFFFF):x}"
