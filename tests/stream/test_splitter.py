"""The splitter: the records of any JSON, however it is cut, holding at most one."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.records import RECORD_LIMIT
from detector.stream.splitter import Splitter


def split(data: bytes, size: int = 1 << 16) -> list[bytes]:
    splitter = Splitter()
    return [piece.data for at in range(0, len(data), size) for piece in splitter.feed(data[at : at + size])]


@pytest.mark.parametrize(
    ("document", "records"),
    [
        (b'{"a":1}', [b'{"a":1}']),
        (b'{"a":1}{"b":2}\n\n{"c":3}', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'[{"a":1}, {"b":[{"c":2}]}]', [b'{"a":1}', b'{"b":[{"c":2}]}']),
        (b'{"Records":[{"a":1},{"b":2}]}{"Records":[{"c":3}]}', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'{"x":{"y":[1]},"logEvents":[{"a":1}],"z":{"no":1},"Events":[{"b":2}]}', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":"}{","b":"\\"}"}', [b'{"a":"}{","b":"\\"}"}']),
        (b'{"a":"Records","b":[{"c":1}]}', [b'{"a":"Records","b":[{"c":1}]}']),
        (b'{"a":{"Records":[{"c":1}]}}', [b'{"a":{"Records":[{"c":1}]}}']),
        (b'{"Records":[]}', []),
        (
            b'{"kind":"EventList","metadata":{},"items":[{"a":1},{"b":2}]}{"items":[]}',
            [b'{"a":1}', b'{"b":2}', b'{"items":[]}'],
        ),
        (b'{"a":{"kind":"EventList"},"items":[{"b":2}]}', [b'{"a":{"kind":"EventList"},"items":[{"b":2}]}']),
        (b'}]{"a":1}', [b'{"a":1}']),
        (b"", []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
def test_records_are_found_wherever_the_input_is_cut(document: bytes, records: list[bytes], size: int) -> None:
    assert split(document, size) == records


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


objects = st.dictionaries(st.text(max_size=5), values, max_size=3)


@given(st.lists(objects, max_size=5), st.integers(1, 40), st.sampled_from([None, 2]))
def test_an_envelope_is_split_into_what_was_put_in(records: list[object], size: int, indent: int | None) -> None:
    document = json.dumps({"note": "[{", "Records": records, "after": {"a": [{}]}}, indent=indent)
    assert [json.loads(piece) for piece in split(document.encode(), size)] == records


@given(st.binary(max_size=300), st.integers(1, 30))
def test_the_pieces_do_not_depend_on_the_cuts(data: bytes, size: int) -> None:
    assert split(data, size) == split(data)


def test_a_record_that_is_too_large_is_told_by_its_size_and_not_held() -> None:
    splitter = Splitter()
    large = b'{"pad":["' + b'x","' * RECORD_LIMIT + b'"]}'
    pieces = []
    for at in range(0, len(large), 1 << 18):
        pieces += splitter.feed(large[at : at + (1 << 18)])
        assert len(splitter._buffer) <= RECORD_LIMIT + (1 << 18)
    pieces += splitter.feed(b'{"next":1}')
    assert [(piece.data, piece.size, piece.whole) for piece in pieces] == [
        (b"", len(large), False),
        (b'{"next":1}', 10, True),
    ]


def test_an_input_that_ends_inside_a_record_says_so() -> None:
    splitter = Splitter()
    assert splitter.feed(b'{"Records":[{"a":1},{"b":') != []
    rest = splitter.finish()
    assert rest is not None
    assert (rest.data, rest.whole) == (b'{"b":', False)
    assert Splitter().finish() is None


@pytest.mark.parametrize("hostile", [b'"', b"\\", b'"\\', b"[", b"{", b'{"a":"' + b"x" * 90])
def test_no_input_is_slow_or_large(hostile: bytes) -> None:
    splitter, data = Splitter(), hostile * ((2 << 20) // len(hostile))
    started = time.perf_counter()
    for at in range(0, len(data), 1 << 18):
        splitter.feed(data[at : at + (1 << 18)])
        assert len(splitter._buffer) <= RECORD_LIMIT + (1 << 19)
    assert time.perf_counter() - started < 10
