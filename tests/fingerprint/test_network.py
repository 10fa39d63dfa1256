from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.fingerprint.network import prefix_of

IPV6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


@pytest.mark.parametrize(
    ("address", "channel", "prefix"),
    [
        ("198.51.100.77", "", "198.51.100.0/24"),
        ("2001:db8:1:2::3", "", "2001:db8:1::/48"),
        ("::ffff:198.51.100.77", "", "198.51.100.0/24"),
        ("[2001:db8:1:2::3]", "", "2001:db8:1::/48"),
        ("fe80::1%eth0", "", "fe80::/48"),
        ("10.0.0.7", "vpce:vpce-0abc", "vpce:vpce-0abc"),
        ("", "vpce:vpce-0abc", "vpce:vpce-0abc"),
        ("198.51.100.77", "service:s3.amazonaws.com", "198.51.100.0/24"),
        ("198.51.100.77", "console", "198.51.100.0/24"),
        ("255.18.064.253", "", "255.18.064.253"),
        ("", "", ""),
        ("", "console", ""),
    ],
)
def test_a_use_stands_in_its_prefix(address: str, channel: str, prefix: str) -> None:
    assert prefix_of(address, channel) == prefix


@given(st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address))
def test_an_ipv4_address_lies_in_its_prefix_also_when_it_is_written_as_ipv6(address: ipaddress.IPv4Address) -> None:
    network = ipaddress.ip_network(prefix_of(str(address)))

    assert address in network
    assert network.prefixlen == 24
    assert prefix_of(f"::ffff:{address}") == str(network)


@given(IPV6.filter(lambda address: address.ipv4_mapped is None))
def test_an_ipv6_address_lies_in_its_prefix_however_it_is_written(address: ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(prefix_of(str(address)))

    assert address in network
    assert network.prefixlen == 48
    assert prefix_of(address.exploded) == str(network)


@given(st.text(max_size=40))
def test_a_text_that_is_no_address_is_its_own_prefix(text: str) -> None:
    prefix = prefix_of(text)

    assert prefix == text or ipaddress.ip_network(prefix).prefixlen in (24, 48)
