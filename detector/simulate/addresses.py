"""Whose addresses simulated traffic comes from: 240.0.0.0/4 and 2001:db8::/32, which belong to nobody (RFC 1112, 3849).

| range | stands for | AS numbers (private use, RFC 6996) |
|---|---|---|
| 241.0.0.0/8 | the cloud the fleet runs in: sixteen /16 a region, for gateways, instances, functions | 64512 |
| 242.0.0.0/8 | another cloud; its upper half runs everybody's hosted CI jobs | 64513 |
| 243.0.0.0/8 | twenty hosting providers, a /16 each: SaaS vendors live here, and rented machines | 64520 to 64539 |
| 244.0.0.0/8, 2001:db8::/32 | twenty residential and mobile networks, a /16 and a /40 each | 64540 to 64559 |
| 245.0.0.0/8 | uplinks of offices and data centres, a /20 each | 64560 to 64599, by /16 |
| 246.0.0.0/8 | four secure web gateways that offices and laptops leave through, a /16 each | 64600 to 64603 |
| 10.0.0.0/8 | inside a network; a log shows it through an endpoint, and API servers show it | none |

Attackers have no range of their own: every pool they draw from, benign callers draw from too.
"""

from __future__ import annotations

import numpy as np

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2", "eu-central-1", "sa-east-1")
HOSTING_PROVIDERS = 20
ISPS = 20
GATEWAYS = 4


class AddressPlan:
    """Draws addresses; which block of a range a tenant has is drawn once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._nat_block = int(rng.integers(0, 120))
        self._office_block = int(rng.integers(0, 40))
        self.favourite_isps = tuple(int(isp) for isp in rng.choice(ISPS, 6, replace=False))

    def _host(self) -> int:
        return int(self.rng.integers(1, 255))

    def _byte(self, low: int = 0, high: int = 256) -> int:
        return int(self.rng.integers(low, high))

    def _cloud(self, region: str, low: int, high: int) -> str:
        """An address of the cloud's region, which has sixteen /16."""
        return f"241.{16 * REGIONS.index(region) + self._byte(low, high)}.{self._byte()}.{self._host()}"

    def gateway(self, region: str) -> str:
        """A NAT gateway's address: out of the same space as everybody's machines, as in real clouds."""
        return self._cloud(region, 0, 14)

    def instance(self, region: str) -> str:
        """A public address of a machine in the fleet's cloud, anybody's: 3,584 prefixes a region."""
        return self._cloud(region, 0, 14)

    def function(self, region: str) -> str:
        """An address of the pool that functions and serverless containers share with every customer."""
        return self._cloud(region, 14, 16)

    def other_cloud(self) -> str:
        """An address of the other cloud."""
        return f"242.{self._byte(0, 128)}.{self._byte()}.{self._host()}"

    def runner(self) -> str:
        """A hosted CI runner: practically never the same twice."""
        return f"242.{self._byte(128, 192)}.{self._byte()}.{self._host()}"

    def hosting(self, provider: int | None = None) -> str:
        """A rented machine: forty prefixes at each of twenty providers."""
        chosen = self._byte(0, HOSTING_PROVIDERS) if provider is None else provider
        return f"243.{chosen}.{self._byte(0, 40)}.{self._host()}"

    def residential(self, isp: int | None = None) -> str:
        """A home or phone: IPv4 behind a carrier, or IPv6 with a privacy address, as half of homes have."""
        chosen = self._byte(0, ISPS) if isp is None else isp
        if chosen % 2:
            return self.residential_v6(chosen, self._byte(0, 4096))
        return f"244.{chosen}.{self._byte(0, 60)}.{self._host()}"

    def residential_v6(self, isp: int, home: int) -> str:
        """A privacy address in the /48 of one home (0 to 65535)."""
        return f"2001:db8:{isp << 11 | home & 0x7FF:x}::{self._byte(1, 0x10000):x}:{self._byte(1, 0x10000):x}"

    def office(self, uplink: int = 0) -> str:
        """A fixed address of the tenant's own uplink `uplink` (0 and up)."""
        return f"245.{self._office_block}.{16 * uplink + self._byte(0, 16)}.{self._host()}"

    def web_gateway(self, vendor: int) -> str:
        """One of the addresses of a secure web gateway: eight prefixes, shared by all its customers."""
        return f"246.{vendor}.{self._byte(0, 8)}.{self._host()}"

    def private(self, site: int = 0) -> str:
        """An address inside a network; `site` (0 to 63) keeps networks apart."""
        return f"10.{64 + site}.{self._byte(0, 64)}.{self._host()}"


def ranges() -> dict[str, tuple[str, ...]]:
    """Owner of a range → CIDR blocks, as an operator would import them: the enriched row's knowledge."""
    blocks: dict[str, tuple[str, ...]] = {
        "cloud": ("241.0.0.0/8",),
        "other-cloud": ("242.0.0.0/9",),
        "hosted-ci": ("242.128.0.0/9",),
    }
    blocks |= {f"hosting-{number}": (f"243.{number}.0.0/16",) for number in range(HOSTING_PROVIDERS)}
    blocks |= {f"isp-{number}": (f"244.{number}.0.0/16", f"2001:db8:{number << 11:x}::/37") for number in range(ISPS)}
    return blocks | {f"web-gateway-{number}": (f"246.{number}.0.0/16",) for number in range(GATEWAYS)}
