"""What every log source promises. A source's own test gives `SAMPLES`: (name, record, fields of each expected row)."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import sources
from detector.domain import StringTable, UseBatch
from detector.records import REASONS
from detector.registry import members
from detector.sources.base import Source

SOURCES: dict[str, type[Source]] = members(sources, Source)  # type: ignore[type-abstract,unused-ignore]

GARBAGE = [
    b"",
    b" ",
    b"\x00",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{}",
    b'{"a":',
    b"{'a': 1}",
    b"NaN",
    b'{"time": NaN, "eventTime": Infinity}',
    b'{"eventTime": "\xff\xfe"}',
    b"\xff" * 100,
    b"\xef\xbb\xbf{}",
    b'{"eventName": "\\ud800", "time": "\\udfff"}',
    b'{"eventTime": ' + b"1" * 5_000 + b', "time": ' + b"1" * 5_000 + b"}",
    b'{"time": 1e999, "credential": "a"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b"{" + b'"a":1,' * 50_000 + b'"a":1}',
    b'{"eventTime": "2026-10-25T12:00:00Z", "eventTime": null}',
    b'{"x": "' + b"\\" * 100_001 + b'"}',
    b"x" * (1 << 20) + b"x",
]


def samples(name: str) -> list[tuple[str, bytes, list[dict[str, object]]]]:
    found: list[tuple[str, bytes, list[dict[str, object]]]] = importlib.import_module(
        f"tests.sources.test_{name}"
    ).SAMPLES
    return found


@pytest.fixture(params=sorted(SOURCES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str) -> Source:
    return SOURCES[name]()


def test_its_samples_give_the_rows_they_state(name: str, source: Source) -> None:
    for title, record, expected in samples(name):
        reading = source.read([record], "home")
        assert not reading.rejected, title
        assert len(reading.rows) == len(expected), title
        for row, fields in zip(reading.rows, expected, strict=True):
            found: dict[str, Any] = row._asdict()
            assert {key: found[key] for key in fields} == fields, title


def test_it_recognises_its_samples_and_nobody_elses(name: str) -> None:
    for other in SOURCES:
        for title, record, _ in samples(other):
            assert SOURCES[name].recognises(record) == (other == name), title


def test_garbage_is_refused_with_a_known_reason_and_stops_nothing(name: str, source: Source) -> None:
    good = samples(name)[0][1]
    for bad in GARBAGE:
        SOURCES[name].recognises(bad)
        reading = source.read([good, bad, good], "home")
        assert [rejected.index for rejected in reading.rejected] == [1], bad[:40]
        assert reading.rejected[0].reason in REASONS
        assert len(reading.rejected[0].detail) < 1_000
        assert {0, 2} == set(reading.record)


@given(st.binary(max_size=300))
def test_no_bytes_make_any_source_raise(data: bytes) -> None:
    for kind in SOURCES.values():
        kind.recognises(data)
        reading = kind().read([data], "home")
        assert len(reading.rejected) + len(set(reading.record)) + reading.skipped == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_a_sample_with_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SOURCES)))
    record = json.loads(data.draw(st.sampled_from([sample[1] for sample in samples(name)])))
    place = record
    key = data.draw(st.sampled_from(sorted(place)))
    while isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place)))
    place[key] = data.draw(json_values)
    reading = SOURCES[name]().read([json.dumps(record).encode()], "home")
    assert len(reading.rejected) + len(set(reading.record)) + reading.skipped == 1
    UseBatch.from_rows(reading.rows, StringTable())  # every value fits its column


def test_a_row_depends_on_its_record_alone(name: str, source: Source) -> None:
    records = [record for _, record, _ in samples(name)]
    together = source.read([*records, *reversed(records)], "home")
    for at, row in zip(together.record, together.rows, strict=True):
        alone = SOURCES[name]().read([[*records, *reversed(records)][at]], "home").rows
        assert row in alone


def test_rows_of_one_record_are_numbered_and_carry_its_digest(name: str, source: Source) -> None:
    for _, record, _ in samples(name):
        rows = source.read([record], "home").rows
        assert [row.use_index for row in rows] == list(range(len(rows)))
        assert len({row.digest for row in rows}) == 1
        assert {row.source for row in rows} == {name}


def test_it_is_described(name: str) -> None:
    assert SOURCES[name].title
    assert importlib.import_module(f"detector.sources.{name}").__doc__
