"""The network ladder: address → prefix → provider. Who provides an address is the operator's knowledge (`ranges.py`).

An IPv4 address stands in its /24, an IPv6 address in its /48: what a NAT gateway, an office or an attacker's rented
host usually keeps when the address changes. Traffic through a VPC endpoint stands in that endpoint, because private
addresses repeat in every VPC.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def prefix_of(address: str, channel: str = "") -> str:
    """The prefix a use came from: `198.51.100.0/24`, `2001:db8:1::/48`, or the endpoint for private traffic.

    A text that is no address (real logs hold `255.18.064.253`) is its own prefix, so that it still compares.
    Unknown gives unknown.
    """
    if channel.startswith("vpce:"):
        return channel
    if not address:
        return ""
    parsed = parsed_address(address)
    if parsed is None:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(ipaddress.IPv4Network((int(parsed), 24), strict=False))
    return str(ipaddress.IPv6Network((int(parsed), 48), strict=False))


def parsed_address(text: str) -> Address | None:
    """The address a log means by `text`, brackets and zone left out, IPv4 within IPv6 as IPv4; None if it is none."""
    try:
        parsed = ipaddress.ip_address(text.strip("[]").split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
