"""Columns: numbers of any span, texts of any kind, and a body that is refused at the byte that is wrong.

That every column of any batch comes back is tested with whole blocks (`test_blocks.py`).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import COLUMNS, StringTable, UseBatch, UseRow
from detector.errors import BlockError
from detector.stream.columns import pack, unpack
from tests.streams import batch_of, cells, random_rows


def read(body: bytes, rows: int) -> UseBatch:
    return unpack(memoryview(body), rows, StringTable(), version=2)


def refused(body: bytes, rows: int, message: str) -> None:
    with pytest.raises(BlockError, match=message):
        read(body, rows)


# -- what is written ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1)), min_size=1))
def test_numbers_of_any_span_and_step_come_back(numbers: list[tuple[int, int]]) -> None:
    batch = batch_of([UseRow("", "", time, digest=digest) for time, digest in numbers])
    assert cells(read(pack(batch), len(batch))) == cells(batch)


@given(st.lists(st.text(st.characters(), max_size=3), min_size=1))
def test_texts_come_back_also_lone_surrogates_and_those_that_a_pair_would_join(texts: list[str]) -> None:
    batch = batch_of([UseRow(text, text, 1, client=f"\ud83d{text}", resource=f"{text}\udd11") for text in texts])
    assert cells(read(pack(batch), len(batch))) == cells(batch)


def test_a_column_of_one_value_takes_the_same_whatever_the_rows() -> None:
    few, many = (pack(batch_of([UseRow("", "use", 7, principal="svc", kind=3)] * rows)) for rows in (2, 4_096))

    assert len(few) == len(many)


def test_steps_that_are_equal_take_no_more_than_one_value() -> None:
    offsets = [UseRow("", "use", 1, raw_offset=10_000 + 5 * at) for at in range(4_096)]

    assert len(pack(batch_of(offsets))) < 120


def test_a_large_table_of_texts_leaves_only_those_of_the_rows() -> None:
    strings = StringTable()
    strings.codes([f"elsewhere-{at}" for at in range(10_000)])
    batch = UseBatch.from_rows([UseRow("id", "use", 1, principal="here")], strings)
    found = read(pack(batch), 1)

    assert set(found.strings.texts) == {"", "use", "here"}
    assert len(pack(batch)) < 150


# -- what is refused ---------------------------------------------------------------------------------------------------


COUNT = struct.Struct("<I").pack
NUMBERS = struct.Struct("<BBQ").pack
EMPTY = COUNT(0) + NUMBERS(0, 0, 0)
ONE_TEXT = COUNT(1) + NUMBERS(0, 0, 3) + b"use"


def column(name: str, values: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + values


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "4 more bytes, found 0"),
        (COUNT(2**32 - 1), "at most 46 texts for 2 rows, found 4294967295"),
        (COUNT(40) + NUMBERS(0, 0, 2**63), "found one of 9223372036854775808"),
        (COUNT(2) + NUMBERS(0, 0, 2) + b"abc", "4 more bytes, found 3"),
        (COUNT(1) + NUMBERS(0, 0, 2) + b"\xff\xfe" + b"\0", "texts in UTF-8"),
        (COUNT(2) + NUMBERS(0, 0, 1) + "é".encode() + b"\0", "texts in UTF-8"),
        (COUNT(0) + NUMBERS(1, 0, 0), "order 0"),
        (EMPTY, "1 more bytes, found 0"),
        (EMPTY + b"\0more", "the end of the body, found 4 more bytes"),
        (EMPTY + b"\1", "1 more bytes, found 0"),
        (EMPTY + b"\1" + column("time", NUMBERS(2, 0, 0)), "order 0, or 1 .* found 2 and 0"),
        (EMPTY + b"\1" + column("time", NUMBERS(0, 3, 0)), "found 0 and 3"),
        (EMPTY + b"\1" + column("time", NUMBERS(0, 8, 0) + bytes(15)), "16 more bytes, found 15"),
        (EMPTY + b"\1" + column("time", NUMBERS(1, 1, 0)), "8 more bytes, found 0"),
        (EMPTY + b"\2" + 2 * column("time", NUMBERS(0, 0, 1)), "each column once, found time again"),
        (EMPTY + b"\1" + column("kind", NUMBERS(0, 0, 128)), "numbers of 8 bits, found 128 to 128"),
        (EMPTY + b"\1" + column("row", NUMBERS(0, 0, 2**63)), "numbers of 32 bits, found -"),
        (ONE_TEXT + b"\1" + column("source", NUMBERS(0, 0, 2)), "a text of the 1 in the table, found text 2"),
        (ONE_TEXT + b"\1" + column("source", NUMBERS(0, 0, 2**64 - 1)), "found text 18446744073709551615"),
        (EMPTY + b"\1" + column("native_id", NUMBERS(0, 0, 9) + b"ab"), "texts within the 2 bytes that follow"),
    ],
)
def test_a_body_is_refused_by_the_byte_that_is_wrong(body: bytes, message: str) -> None:
    refused(body, 2, rf"byte \d+ of the body: expected .*{message}")


@pytest.mark.parametrize("name", ["mood", "strings", "t\xe4me", ""])
def test_a_column_that_is_not_known_asks_for_the_readers_to_be_upgraded(name: str) -> None:
    body = EMPTY + b"\1" + bytes([len(name)]) + name.encode("latin-1") + NUMBERS(0, 0, 1)
    refused(body, 2, r"upgrade the readers \(detect\) before the writers \(ingest\)")


def test_a_column_that_is_missing_is_empty_in_every_row() -> None:
    found = read(EMPTY + b"\1" + column("time", NUMBERS(1, 0, 5) + bytes(8)), 3)

    assert found.time.tolist() == [0, 5, 10]
    assert cells(found) == cells(batch_of([UseRow("", "", time) for time in (0, 5, 10)]))


CHANGES: list[Callable[[random.Random, bytearray], object]] = [
    lambda rng, body: body.__setitem__(rng.randrange(len(body)), rng.randrange(256)),
    lambda rng, body: body.__delitem__(slice(rng.randrange(len(body)), None)),
    lambda rng, body: body.__delitem__(rng.randrange(len(body))),
    lambda rng, body: body.insert(rng.randrange(len(body)), rng.randrange(256)),
    lambda rng, body: body.extend(rng.randbytes(rng.randrange(9))),
]


@pytest.fixture(scope="module")
def body() -> bytes:
    rows = [row._replace(client=f"{row.client}é") for row in random_rows(3, rows=60)]
    return pack(batch_of([*rows, UseRow("\udc80", "use", 1)]))


@pytest.mark.parametrize("seed", range(20))
def test_a_body_that_was_tampered_with_is_read_or_refused_and_nothing_else(body: bytes, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - noise, not a secret
    outcomes = set()
    for _ in range(100):
        changed = bytearray(body)
        for _ in range(rng.randrange(1, 4)):
            rng.choice(CHANGES)(rng, changed)
        rows = rng.choice([1, 61, 61, 61, 4_096])
        try:
            batch = read(bytes(changed), rows)
        except BlockError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        assert {len(getattr(batch, name)) for name in COLUMNS} == {rows}
        assert len(cells(batch)) == rows
    assert outcomes == {"read", "refused"}


def test_a_body_cut_short_anywhere_is_refused_without_a_text_of_it() -> None:
    body = pack(batch_of([UseRow("id", "use", 1, principal="ghp_bearer")]))
    for end in range(len(body)):
        with pytest.raises(BlockError) as raised:
            read(body[:end], 1)
        assert "ghp" not in str(raised.value)
