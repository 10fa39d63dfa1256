"""Blocks: what is read is what was written, a block says when it is damaged, and the specification is the code."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from typing import Any

import cramjam
import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.domain import COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS, Activity, StringTable, UseBatch, UseRow
from detector.errors import BlockError, InternalError
from detector.records import TEXT_LIMIT
from detector.stream import blocks
from detector.stream.blocks import BLOCK_LIMIT, BLOCK_ROWS, BODY_LIMIT, HEADER, block_length, decode, encode, seal
from detector.stream.columns import pack
from tests.streams import START, batch_of, cells, random_rows

TEXT = st.one_of(
    st.just(""),
    st.sampled_from(["a", "b", "\ud800", "\udfff\ud800", "\0", "é", "\U0001f511"]),
    st.text(st.characters(), max_size=12),
)


def numbers(dtype: Any) -> st.SearchStrategy[int]:
    """Any number of a type, the extremes often."""
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    return st.one_of(st.sampled_from([0, 0, low, high, 1]), st.integers(low, high))


ROWS = st.lists(
    st.builds(
        UseRow,
        native_id=TEXT,
        **dict.fromkeys(TEXT_COLUMNS, TEXT),
        **{name: numbers(dtype) for name, dtype in NUMBER_COLUMNS.items()},
    ),
    max_size=8,
)


def decoded(data: list[bytes], strings: StringTable | None = None) -> list[tuple[Any, ...]]:
    strings = strings or StringTable()
    return [cell for block in data for cell in cells(decode(block, strings))]


# -- what is read is what was written ----------------------------------------------------------------------------------


@given(ROWS)
def test_every_column_comes_back_as_it_was_with_its_type(rows: list[UseRow]) -> None:
    batch = batch_of(rows)
    data = encode(batch)

    assert len(data) == (1 if rows else 0)
    assert decoded(data) == cells(batch)
    for block in data:
        found = decode(block, StringTable())
        assert [getattr(found, name).dtype for name in COLUMNS] == [getattr(batch, name).dtype for name in COLUMNS]
        assert all(getattr(found, name).flags.writeable for name in COLUMNS)


def test_blocks_share_a_table_that_has_texts_already() -> None:
    strings = StringTable()
    strings.codes(["zzz", "stream", "", "principal-3"])
    batch = batch_of(random_rows(1, rows=200))

    data = [*encode(batch.take(slice(0, 50))), *encode(batch.take(slice(50, None)))]

    joined = UseBatch.concat([decode(block, strings) for block in data], strings)
    assert cells(joined) == cells(batch)


def test_no_rows_are_no_block() -> None:
    assert encode(batch_of([])) == []


def test_more_rows_than_a_block_takes_are_more_blocks_in_row_order() -> None:
    batch = batch_of([UseRow(f"id-{at}", "use", at) for at in range(2 * BLOCK_ROWS + 1)])
    data = encode(batch)

    assert [len(decode(block, StringTable())) for block in data] == [BLOCK_ROWS, BLOCK_ROWS, 1]
    assert decoded(data) == cells(batch)


def incompressible(size: int, seed: int) -> str:
    return random.Random(seed).randbytes(size // 2).hex()  # noqa: S311 - noise, not a secret


def test_what_would_be_too_large_is_halved_until_it_fits() -> None:
    batch = batch_of([UseRow(f"id-{at}", "use", at, client=incompressible(60_000, at)) for at in range(40)])
    data = encode(batch)

    assert 1 < len(data) <= 4
    assert max(map(len, data)) <= BLOCK_LIMIT
    assert decoded(data) == cells(batch)


def test_a_body_beyond_its_limit_is_halved_though_it_compresses_well() -> None:
    batch = batch_of([UseRow("id", "use", at, client=f"{at}" + "x" * (BODY_LIMIT // 4)) for at in range(4)])
    data = encode(batch)

    assert len(data) == 2
    assert max(map(len, data)) < BLOCK_LIMIT // 100
    assert decoded(data) == cells(batch)


def test_a_row_of_the_longest_texts_that_a_source_keeps_fits() -> None:
    texts = [incompressible(TEXT_LIMIT, at).replace("0", "\ud800") for at in range(1 + len(TEXT_COLUMNS))]
    strings = StringTable()
    batch = UseBatch.from_rows([UseRow(texts[0], "", 1)], strings)
    for name, text in zip(TEXT_COLUMNS, texts[1:], strict=True):
        setattr(batch, name, strings.codes([text]))

    (block,) = encode(batch)

    assert decoded([block]) == cells(batch)


def test_a_single_row_that_no_block_can_hold_is_a_defect_of_ours() -> None:
    with pytest.raises(InternalError, match="at most 900000") as raised:
        encode(batch_of([UseRow(secret := incompressible(2_000_000, 1), "use", 1)]))
    assert secret[:20] not in str(raised.value)


# -- the specification is the code -------------------------------------------------------------------------------------


def test_the_specification_names_every_column_with_its_type() -> None:
    assert blocks.__doc__ is not None
    table = blocks.__doc__.split("decided by its name:")[1].split("What they mean")[0]
    kinds: dict[str, list[str]] = {}
    for line in filter(str.strip, table.replace(": texts of the table", "").splitlines()):
        kind, names = line[4:30].strip(), line[30:].split()  # as the table is set
        kinds.setdefault(kind, []).extend(names)
    expected: dict[str, list[str]] = {}
    for name, dtype in NUMBER_COLUMNS.items():
        expected.setdefault(f"NUMBERS, {np.dtype(dtype).kind}{8 * np.dtype(dtype).itemsize}", []).append(name)

    assert kinds.pop("TEXTS, one a row") == ["native_id"]
    assert kinds.pop("NUMBERS, texts of the") + kinds.pop("table") + kinds.pop("NUMBERS, of version 2") == list(
        TEXT_COLUMNS
    )
    assert kinds == expected


class Reader:
    """The specification once more, a number at a time, in the plainest Python: what another language would write."""

    def __init__(self, block: bytes) -> None:
        magic, version, length, checksum, self.rows, size = struct.unpack_from("<4sIIQII", block)
        assert (magic, length) == (b"USEB", len(block))
        assert version in (1, 2)
        assert checksum == xxhash.xxh3_64_intdigest(block[20:])
        self.body, self.at = bytes(cramjam.zstd.decompress(block[28:])), 0
        assert len(self.body) == size

    def number(self, size: int) -> int:
        self.at += size
        return int.from_bytes(self.body[self.at - size : self.at], "little")

    def numbers(self, count: int) -> list[int]:
        order, width, base = self.number(1), self.number(1), self.number(8)
        if order == 0:
            return [(base + self.number(width)) % 2**64 for _ in range(count)]
        values = [self.number(8)]
        for _ in range(count - 1):
            values.append((values[-1] + base + self.number(width)) % 2**64)
        return values

    def texts(self, count: int) -> list[str]:
        found = []
        for length in self.numbers(count):
            found.append(self.body[self.at : self.at + length].decode("utf-8", "surrogatepass"))
            self.at += length
        return found

    def columns(self) -> dict[str, list[Any]]:
        table = ["", *self.texts(self.number(4))]
        found: dict[str, list[Any]] = {}
        for _ in range(self.number(1)):
            length = self.number(1)
            name = self.body[self.at : self.at + length].decode("ascii")
            self.at += length
            if name == "native_id":
                found[name] = self.texts(self.rows)
            elif name in TEXT_COLUMNS:
                found[name] = [table[code] for code in self.numbers(self.rows)]
            else:
                bits = 8 * np.dtype(NUMBER_COLUMNS[name]).itemsize
                signed = NUMBER_COLUMNS[name] is not np.uint64
                values = [value % 2**bits for value in self.numbers(self.rows)]
                found[name] = [v - 2**bits if signed and v >= 2 ** (bits - 1) else v for v in values]
        assert self.at == len(self.body)
        return found


@settings(max_examples=30)
@given(ROWS.filter(bool))
def test_a_reader_written_from_the_specification_reads_the_same(rows: list[UseRow]) -> None:
    batch = batch_of(rows)
    found = Reader(encode(batch)[0]).columns()
    for name in COLUMNS:
        stored = found.get(name, ["" if name in {"native_id", *TEXT_COLUMNS} else 0] * len(rows))
        assert stored == [row[COLUMNS.index(name)] for row in cells(batch)]


VERSION_1 = base64.b64decode(
    b"VVNFQgEAAAD7AAAA1kAgL0oedJQDAAAARgEAACi1L/1gRgCtBgAiTCsukCnpP7/IXTm+jfr32ylfNELkbTbXtiJQk7t3fZ8+Hsp9"
    b"wiKZ8XdEyF6CNiEyBddDjqj1RzRP3K6x68ZVe64DP6YB+BkDigsJjOsXglsp5f/S904IJIIkTTqfsMOIm1u2CEmaFLj6SvYv3HDf"
    b"SudcUR5aZAdZxuaq66QUTcZiIqPA8ZjA8fhLXf8Y2om7wSZgUqHxSFhQeBgezwHCE6WIaw0Dbpo7pbP1Rf9fBQ4ABGsMyWyPyxgg"
    b"n6PaWvGVaiITbkACAndyWuf+hdqMIJcMxAE="
)


def test_a_block_that_was_written_by_the_first_version_is_still_read() -> None:
    rows = [
        UseRow("id-1", "use", START, principal="svc/backup", credential="AKIAEXAMPLE", digest=2**64 - 1, raw_offset=7),
        UseRow("id-2\u20ac", "use", START + 5, principal="svc/backup", resource="\ud800", kind=1, raw_offset=9),
        UseRow("", "", START + 9, activity=Activity.TICK, raw_partition=-(2**63), raw_offset=11),
    ]
    assert decoded([VERSION_1]) == cells(batch_of(rows))


def test_a_block_states_the_lowest_version_that_has_its_columns() -> None:
    plain = UseRow("id-1", "use", START, address="192.0.2.7")
    for row, version in ((plain, 1), (plain._replace(provider="AS64500"), 2), (plain._replace(owner="ops"), 2)):
        (data,) = encode(batch_of([row]))
        assert struct.unpack_from("<I", data, 4) == (version,)
        assert decoded([data]) == cells(batch_of([row]))


def test_a_column_of_version_2_in_a_block_of_version_1_is_refused() -> None:
    batch = batch_of([UseRow("id-1", "use", START, provider="AS64500")])
    rows, size, body = block_body(encode(batch)[0])
    compressed = bytes(cramjam.zstd.compress(body, 1))

    assert decoded([seal(rows, size, compressed, 2)]) == cells(batch)
    refused(seal(rows, size, compressed, 1), "a column of this version")


# -- a block that is not one -------------------------------------------------------------------------------------------


def block_body(block: bytes) -> tuple[int, int, bytes]:
    """Rows, size and uncompressed body of a block."""
    rows, size = struct.unpack_from("<II", block, 20)
    return rows, size, bytes(cramjam.zstd.decompress(block[HEADER:]))


def resealed(body: bytes, rows: int, size: int | None = None) -> bytes:
    """A block of any body with a right checksum: what only a wrong writer can make."""
    return seal(rows, len(body) if size is None else size, bytes(cramjam.zstd.compress(body, 1)))


@pytest.fixture(scope="module")
def block() -> bytes:
    rows = [row._replace(client=f"{row.client}é") for row in random_rows(3, rows=60)]
    return encode(batch_of([*rows, UseRow("\udc80", "use", 1)]))[0]


def refused(data: bytes, message: str = "expected") -> None:
    with pytest.raises(BlockError, match=message):
        decode(data, StringTable())


def test_a_block_cut_short_anywhere_is_refused(block: bytes) -> None:
    for end in range(0, len(block), 7):
        refused(block[:end], "byte .*expected")
    refused(block + b"\0", "byte 8")


def test_every_flipped_bit_is_noticed(block: bytes) -> None:
    for at in [*range(HEADER + 16), *range(HEADER + 16, len(block), 37), len(block) - 1]:
        for bit in range(8):
            refused(block[:at] + bytes([block[at] ^ 1 << bit]) + block[at + 1 :], "expected")


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"SEBU", "byte 0: expected 55534542.*found 53454255"),
        (
            4,
            struct.pack("<I", 3),
            r"version 1 to 2, found 3, written by a newer version: upgrade the readers \(detect\)",
        ),
        (4, struct.pack("<I", 0), "byte 4: expected version 1 to 2, found 0$"),
        (8, struct.pack("<I", 27), "byte 8: expected a length of 28"),
        (8, struct.pack("<I", 2**32 - 1), "byte 8: .*900000 bytes, found 4294967295"),
        (12, bytes(8), "byte 12: expected the checksum [0-9a-f]{16}, found 0000000000000000"),
    ],
)
def test_a_header_is_refused_by_the_byte_that_is_wrong(block: bytes, at: int, value: bytes, message: str) -> None:
    refused(block[:at] + value + block[at + len(value) :], message)


@pytest.mark.parametrize(
    ("rows", "size", "message"),
    [
        (0, None, "byte 20: expected 1 to 4096 rows, found 0"),
        (BLOCK_ROWS + 1, None, "byte 20: .*found 4097"),
        (1, BODY_LIMIT + 1, "byte 24: expected a body of at most 67108864"),
        (1, 2**32 - 1, "byte 24: .*found 4294967295"),
        (1, 5, "byte 28: expected a body of 5 bytes in Zstandard"),
        (1, 4_000, "byte 28: expected a body of 4000 bytes, found"),
        (2, None, "of the body"),
    ],
)
def test_counts_are_checked_before_they_are_believed(rows: int, size: int | None, message: str) -> None:
    body = pack(batch_of([UseRow("id", "use", 1)]))
    refused(resealed(body, rows, size), message)


def test_a_frame_that_is_none_or_more_than_one_is_refused() -> None:
    body = pack(batch_of([UseRow("id", "use", 1)]))
    frame = bytes(cramjam.zstd.compress(body, 1))
    for compressed in (b"", b"nothing", frame[:-1], frame + b"rest", frame + frame, zlib.compress(body)):
        refused(seal(1, len(body), compressed), "byte 28")


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(data)
    refused(b"USEB" + struct.pack("<II", 1, len(data) + 12) + data)


def test_the_length_of_a_block_is_known_from_its_first_bytes(block: bytes) -> None:
    assert block_length(block[:HEADER]) == block_length(block) == len(block)
    with pytest.raises(BlockError, match=f"byte 10: expected a header of {HEADER} bytes"):
        block_length(block[:10])
