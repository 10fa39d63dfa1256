"""The network ladder: address → prefix. Cloud ranges and ASN come above the prefix when enrichment exists.

An IPv4 address stands in its /24, an IPv6 address in its /48: what a NAT gateway, an office or an attacker's rented
host usually keeps when the address changes. Traffic through a VPC endpoint stands in that endpoint, because private
addresses repeat in every VPC.
"""

from __future__ import annotations

import ipaddress


def prefix_of(address: str, channel: str = "") -> str:
    """The prefix a use came from: `198.51.100.0/24`, `2001:db8:1::/48`, or the endpoint for private traffic.

    A text that is no address (real logs hold `255.18.064.253`) is its own prefix, so that it still compares.
    Unknown gives unknown.
    """
    if channel.startswith("vpce:"):
        return channel
    if not address:
        return ""
    try:
        parsed = ipaddress.ip_address(address.strip("[]").split("%", 1)[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(ipaddress.IPv4Network((int(parsed), 24), strict=False))
    return str(ipaddress.IPv6Network((int(parsed), 48), strict=False))
