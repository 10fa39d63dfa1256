"""A database of AS numbers in the MMDB format, written plainly: a binary tree of 24-bit records over IPv4."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_mmdb(path: Path, blocks: Mapping[str, int | None]) -> Path:
    """Blocks that do not nest → AS number; None for a record without one. Returns the path."""
    nodes: list[list[Any]] = [[None, None]]
    for text, number in blocks.items():
        block = ipaddress.IPv4Network(text)
        bits = f"{int(block.network_address):032b}"[: block.prefixlen]
        node = 0
        for bit in bits[:-1]:
            if nodes[node][int(bit)] is None:
                nodes.append([None, None])
                nodes[node][int(bit)] = len(nodes) - 1
            node = nodes[node][int(bit)]
        nodes[node][int(bits[-1])] = (number,)
    data, tree = b"", b""
    for pair in nodes:
        for record in pair:
            target = record if isinstance(record, int) else len(nodes)
            if isinstance(record, tuple):
                target += 16 + len(data)
                data += _mapping({"autonomous_system_number": _number(record[0], 6)} if record[0] is not None else {})
            tree += target.to_bytes(3, "big")
    metadata = {
        "binary_format_major_version": _number(2, 5), "binary_format_minor_version": _number(0, 5),
        "build_epoch": _number(1_700_000_000, 9), "database_type": _text("Test-ASN"),
        "languages": _head(11, 1) + _text("en"),
        "description": _mapping({"en": _text("made up")}), "ip_version": _number(4, 5),
        "node_count": _number(len(nodes), 6), "record_size": _number(24, 5),
    }  # fmt: skip
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _mapping(metadata))
    return path


def _head(kind: int, size: int) -> bytes:
    """The control bytes of a value: its type, an extended one in a byte of its own, and its size."""
    first = min(size, 29)
    more = bytes([size - 29]) if first == 29 else b""
    return bytes([(kind if kind < 8 else 0) << 5 | first]) + (bytes([kind - 7]) if kind >= 8 else b"") + more


def _text(text: str) -> bytes:
    return _head(2, len(text)) + text.encode()


def _number(value: int, kind: int) -> bytes:
    """An unsigned number; `kind` is 5, 6 or 9 for 16, 32 or 64 bits."""
    packed = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _head(kind, len(packed)) + packed


def _mapping(values: Mapping[str, bytes]) -> bytes:
    return _head(7, len(values)) + b"".join(_text(key) + value for key, value in values.items())
