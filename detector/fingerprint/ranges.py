"""Who an address belongs to: CIDR blocks with a name, looked up for all distinct addresses of a batch at once.

Blocks are either nested or apart, so they flatten into sorted intervals that do not overlap, each with the name of the
smallest block around it, gaps included: one binary search finds the name of an address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I32, I64, Bool
from detector.fingerprint.network import parsed_address

Block = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST: Final = 15  # characters of an IPv4 address
_DOT, _ZERO = ord("."), ord("0")


class RangeTable:
    """Names of address blocks. The smallest block around an address names it; of equal blocks the first that is given.

    `names[0]` is the empty text: nobody is known to own the address.
    """

    def __init__(self, blocks: Iterable[tuple[Block, str]]) -> None:
        first: dict[Block, str] = {}
        for block, name in blocks:
            first.setdefault(block, name)
        self.names: tuple[str, ...] = ("", *dict.fromkeys(first.values()))
        number = {name: at for at, name in enumerate(self.names)}
        found: tuple[list[tuple[Block, int]], list[tuple[Block, int]]] = ([], [])
        for block, name in first.items():
            found[block.version == 6].append((block, number[name]))
        self._starts4, self._owners4 = _flattened(found[0])
        starts6, self._owners6 = _flattened(found[1])
        # Fixed-width bytes compare like the numbers they are, which have no NumPy type.
        self._starts6 = np.array([int(start).to_bytes(16, "big") for start in starts6.tolist()], "S16")
        self._starts4 = self._starts4.astype(np.int64)

    def __len__(self) -> int:
        return len(self.names) - 1

    def lookup(self, addresses: Sequence[str]) -> I32:
        """int32[n]: the place in `names` of the owner of each address; 0 where none is known, or it is no address."""
        owner = np.zeros(len(addresses), np.int32)
        if not len(self) or not len(addresses):
            return owner
        numbers, is_plain = parsed_ipv4(addresses)
        owner[is_plain] = self._owners4[_interval(self._starts4, numbers[is_plain])]
        rows, packed = [], []
        for at in np.flatnonzero(~is_plain).tolist():
            address = parsed_address(addresses[at])
            if isinstance(address, ipaddress.IPv4Address):
                owner[at] = self._owners4[_interval(self._starts4, np.array([int(address)]))][0]
            elif address is not None:
                rows.append(at)
                packed.append(address.packed)
        if rows:
            owner[rows] = self._owners6[_interval(self._starts6, np.array(packed, "S16"))]
        return owner


def _flattened(blocks: list[tuple[Block, int]]) -> tuple[NDArray[np.object_], I32]:
    """Starts of intervals in ascending order, the first at 0, and the owner of each."""
    starts, owners = [0], [0]

    def begin(start: int, owner: int) -> None:
        if starts[-1] == start:
            owners[-1] = owner
        else:
            starts.append(start)
            owners.append(owner)

    around: list[tuple[int, int]] = []  # last address and owner of the blocks that are open, the smallest at the end
    for block, owner in sorted(blocks, key=lambda one: (int(one[0].network_address), one[0].prefixlen)):
        first = int(block.network_address)
        _leave(around, first, begin)
        begin(first, owner)
        around.append((int(block.broadcast_address), owner))
    _leave(around, 1 << 129, begin)
    found = np.empty(len(starts), object)
    found[:] = starts
    top = 1 << (blocks[0][0].max_prefixlen if blocks else 32)
    within = np.array([start < top for start in starts], np.bool_)
    return found[within], np.array(owners, np.int32)[within]


def _leave(around: list[tuple[int, int]], before: int, begin: Any) -> None:
    """Close the blocks that end before an address: behind each its neighbour around goes on."""
    while around and around[-1][0] < before:
        last, _ = around.pop()
        begin(last + 1, around[-1][1] if around else 0)


def _interval(starts: NDArray[Any], values: NDArray[Any]) -> NDArray[np.intp]:
    return np.searchsorted(starts, values, side="right") - 1


def parsed_ipv4(texts: Sequence[str]) -> tuple[I64, Bool]:
    """int64[n] and bool[n]: the number of each text that is a plain IPv4 address, and whether it is one.

    All texts are read side by side, character by character. As in `ipaddress`, a part has one to three digits, no
    leading zero, and is at most 255.
    """
    fits = np.fromiter((0 < len(text) <= _LONGEST and text.isascii() for text in texts), np.bool_, len(texts))
    ends = [text if fit else "" for text, fit in zip(texts, fits.tolist(), strict=True)]
    characters = np.array(ends, f"S{_LONGEST + 1}").view(np.uint8).reshape(len(texts), _LONGEST + 1)
    number, part, digits, dots = (np.zeros(len(texts), np.int64) for _ in range(4))
    valid, open_ = fits.copy(), np.ones(len(texts), np.bool_)
    for column in characters.T:  # the last one is the zero behind the longest text
        is_end, is_dot = column == 0, column == _DOT
        digit = column.astype(np.int64) - _ZERO
        is_digit = (digit >= 0) & (digit <= 9)
        closes = open_ & (is_dot | is_end)
        valid &= ~closes | ((digits > 0) & (part <= 255))
        valid &= ~open_ | is_digit | closes
        valid &= ~(open_ & is_digit & (digits > 0) & (part == 0))  # a leading zero
        number = np.where(closes, number << 8 | part & 255, number)
        dots += open_ & is_dot
        digits = np.where(closes, 0, digits + (open_ & is_digit))
        part = np.where(closes, 0, np.where(open_ & is_digit, part * 10 + digit, part))
        part = np.minimum(part, 1000)
        open_ &= ~is_end
    valid &= (dots == 3) & ~open_
    return np.where(valid, number & 0xFFFFFFFF, 0), valid
