from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.fingerprint.network import parsed_address
from detector.fingerprint.ranges import Block, RangeTable, parsed_ipv4

V4 = st.integers(0, 2**32 - 1)
V6 = st.integers(0x20010DB8 << 96, (0x20010DB9 << 96) - 1)


def blocks_of(numbers: st.SearchStrategy[int], bits: int) -> st.SearchStrategy[Block]:
    """Blocks of any size; few different ones, so that they nest."""
    few = st.one_of(st.sampled_from([0, 0xC6336407, 0xC6336480, 2**32 - 1]), numbers) if bits == 32 else numbers
    return st.builds(
        lambda number, length: ipaddress.ip_network((number.to_bytes(bits // 8, "big"), length), strict=False),
        few,
        st.integers(0, bits),
    )


BLOCKS = st.lists(st.one_of(blocks_of(V4, 32), blocks_of(V6, 128)), max_size=12)


def table(**blocks: str) -> RangeTable:
    """A table of name → block."""
    return RangeTable((ipaddress.ip_network(block), name) for name, block in blocks.items())


def owners(known: RangeTable, *addresses: str) -> list[str]:
    return [known.names[at] for at in known.lookup(addresses).tolist()]


def naive(blocks: list[Block], text: str) -> str:
    """The smallest block around an address, the first of equal ones, by looking at all of them."""
    address = parsed_address(text)
    around = [
        (-block.prefixlen, at)
        for at, block in enumerate(blocks)
        if address is not None and block.version == address.version and address in block
    ]
    return f"block-{min(around)[1]}" if around else ""


@given(BLOCKS, st.lists(st.one_of(V4, V6), max_size=8))
def test_the_smallest_block_around_an_address_names_it(blocks: list[Block], numbers: list[int]) -> None:
    edges = [edge for block in blocks for edge in (block.network_address, block.broadcast_address)]
    texts = [str(address) for address in [*map(ipaddress.ip_address, numbers), *edges]]
    known = RangeTable((block, f"block-{at}") for at, block in enumerate(blocks))

    assert owners(known, *texts) == [naive(blocks, text) for text in texts]


def test_a_gap_between_blocks_is_the_blocks_around_it() -> None:
    known = table(isp="198.51.0.0/16", office="198.51.100.16/28", desk="198.51.100.17/32")

    found = owners(
        known, "198.51.100.15", "198.51.100.16", "198.51.100.17", "198.51.100.18", "198.51.100.32", "198.52.0.0"
    )
    assert found == ["isp", "office", "desk", "office", "isp", ""]


def test_an_address_in_another_spelling_is_the_same_address() -> None:
    known = table(four="198.51.100.0/24", six="2001:db8:7::/48")

    assert owners(known, "::ffff:198.51.100.7", "[2001:db8:7::1]", "2001:DB8:7:0::1%eth0") == ["four", "six", "six"]


def test_what_is_no_address_belongs_to_nobody() -> None:
    known = table(all4="0.0.0.0/0", all6="::/0")

    assert owners(known, "", "cloudtrail.amazonaws.com", "AWS Internal", "1.2.3", "255.18.064.253", "é") == [""] * 6
    assert owners(RangeTable(()), "198.51.100.7") == [""]
    assert known.lookup([]).tolist() == []


@given(st.lists(st.text(st.sampled_from("0123456789.")), max_size=6), st.lists(V4, max_size=6))
def test_addresses_read_side_by_side_are_those_read_one_by_one(texts: list[str], numbers: list[int]) -> None:
    texts = [*texts, *(str(ipaddress.IPv4Address(number)) for number in numbers)]
    found, valid = parsed_ipv4(texts)

    for text, number, is_valid in zip(texts, found.tolist(), valid.tolist(), strict=True):
        try:
            expected = int(ipaddress.IPv4Address(text))
        except ValueError:
            assert not is_valid, text
        else:
            assert (number, is_valid) == (expected, True), text


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4.",
        ".1.2.3.4",
        "1..2.3",
        "01.2.3.4",
        "1.2.3.256",
        "1.2.3.4.5",
        "1.2.3.1234",
        "+1.2.3.4",
    ],
)
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert parsed_ipv4([text, "198.51.100.7"])[1].tolist() == [False, True]
