"""The decoder: any envelope, any order, any neighbours give the same uses; what is refused is told with its place."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import sources
from detector.decode import DeadLetter, Decoder, RawRecord
from detector.domain import COLUMNS, NUMBER_COLUMNS, StringTable, UseBatch
from detector.errors import UsageError
from detector.records import REASONS
from detector.registry import members
from detector.sources.base import Source

TRAIL = (
    b'{"eventTime":"2026-10-25T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"e-%d"}'
)
USE = b'{"time":"2026-10-25T12:00:00Z","credential":"key-%d"}'
ASSUME = json.dumps(
    {
        "eventTime": "2026-10-25T12:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/r", "roleSessionName": "s"},
        "responseElements": {"credentials": {"accessKeyId": "ASIACHILD00000000001"}},
    }
).encode()


def decoder(**options: Any) -> Decoder:
    return Decoder({name: kind() for name, kind in members(sources, Source).items()}, **options)


def raw(*values: bytes, stream: str = "file") -> list[RawRecord]:
    return [RawRecord(value, stream, 10 + at) for at, value in enumerate(values)]


def rows(batch: UseBatch, *columns: str) -> list[tuple[Any, ...]]:
    found = []
    for at in range(len(batch)):
        cells = []
        for column in columns:
            value = getattr(batch, column)[at]
            cells.append(batch.text(column, at) if column not in {*NUMBER_COLUMNS, "native_id"} else value)
        found.append(tuple(cells))
    return found


def decode(*values: bytes, **options: Any) -> tuple[UseBatch, list[DeadLetter]]:
    return decoder(**options).decode(raw(*values))


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "bare": lambda record: record,
    "records": lambda record: b'{"Records": [' + record + b"]}",
    "array": lambda record: b" [" + record + b"]",
    "bus": lambda record: b'{"source":"aws.s3","time":"2026-10-25T12:00:00Z","detail":' + record + b"}",
    "look-up": lambda record: b'{"EventName":"x","CloudTrailEvent":' + json.dumps(record.decode()).encode() + b"}",
    "look-ups": lambda record: b'{"Events":[{"CloudTrailEvent":' + json.dumps(record.decode()).encode() + b"}]}",
    "subscription": lambda record: b'{"logEvents":[{"message":' + json.dumps(record.decode()).encode() + b"}]}",
    "gzip": gzip.compress,
    "gzip of records": lambda record: gzip.compress(b'{"Records": [' + record + b"]}"),
    "mark": lambda record: b"\xef\xbb\xbf" + record,
}


@pytest.mark.parametrize("envelope", sorted(ENVELOPES))
def test_a_record_gives_the_same_use_in_every_envelope(envelope: str) -> None:
    plain, _ = decode(TRAIL % 1)
    wrapped, dead = decode(ENVELOPES[envelope](TRAIL % 1))
    assert dead == []
    assert rows(wrapped, *COLUMNS) == rows(plain, *COLUMNS)


def test_positions_count_the_uses_of_a_raw_record_and_of_a_logged_record() -> None:
    batch, dead = decode(ASSUME, b'{"Records": [' + ASSUME + b"," + TRAIL % 2 + b"]}", TRAIL % 3)
    assert dead == []
    assert rows(batch, "raw_offset", "row", "use_index") == [
        (10, 0, 0),
        (10, 1, 1),
        (11, 0, 0),
        (11, 1, 1),
        (11, 2, 0),
        (12, 0, 0),
    ]


def test_every_row_says_where_it_came_from() -> None:
    records = [RawRecord(TRAIL % 1, "raw-2", 77, partition=2, append_time=5), RawRecord(TRAIL % 2, "raw-0", 3)]
    batch, _ = decoder().decode(records)
    columns = ("ref_stream", "ref_offset", "raw_partition", "raw_offset", "append_time")
    assert rows(batch, *columns) == [("raw-2", 77, 2, 77, 5), ("raw-0", 3, 0, 3, 0)]


def test_a_record_without_an_id_gets_one_from_its_bytes() -> None:
    first, again, other = (decode(record)[0].native_id[0] for record in (USE % 1, USE % 1, USE % 2))
    assert first == again != other
    assert len(first) == 26


def test_formats_may_be_mixed_in_one_batch_in_any_envelope() -> None:
    batch, dead = decode(USE % 1, TRAIL % 1, b'{"Records": [' + TRAIL % 2 + b"," + USE % 2 + b"]}", USE % 3)
    assert dead == []
    assert rows(batch, "source") == [("use",), ("cloudtrail",), ("cloudtrail",), ("use",), ("use",)]


def test_dead_letters_say_where_why_and_never_what() -> None:
    secret = b'{"eventSource":"a","eventName":"b","eventTime":"2026-13-01","x":"hunter2"}'
    batch, dead = decode(TRAIL % 1, b'{"Records":[' + TRAIL % 2 + b"," + secret + b',{"x":1},7]}', b"{", b"")
    assert len(batch) == 2
    assert [(letter.offset, letter.record, letter.reason) for letter in dead] == [
        (11, 1, "bad_time"),
        (11, 2, "unknown_format"),
        (11, 3, "not_object"),
        (12, 0, "not_json"),
        (13, 0, "empty"),
    ]
    assert "hunter2" not in repr(dead)
    assert dead[0].size == len(secret)
    assert {letter.reason for letter in dead} <= set(REASONS)


def test_a_forced_format_reads_nothing_else() -> None:
    batch, dead = decode(TRAIL % 1, USE % 1, b'{"Records":[' + USE % 2 + b"]}", format="use")
    assert rows(batch, "credential") == [("key-1",), ("key-2",)]
    assert [letter.reason for letter in dead] == ["missing_field"]
    with pytest.raises(UsageError, match="cloudtrail"):
        decoder(format="csv")


def test_the_realm_is_the_given_one_where_a_record_names_none() -> None:
    assert rows(decode(USE % 1, realm="acme")[0], "realm") == [("acme",)]


def test_a_record_is_at_most_one_mebibyte_and_its_envelope_may_be_larger() -> None:
    large = b'{"eventTime":"2026-10-25T12:00:00Z","pad":"' + b"x" * (1 << 20) + b'"}'
    many = b'{"Records":[' + b",".join(TRAIL % at for at in range(12_000)) + b"]}"
    assert len(many) > 1 << 20
    batch, dead = decode(large, many, b'{"Records":[' + large + b"," + TRAIL % 1 + b"]}")
    assert len(batch) == 12_001
    assert [(letter.offset, letter.record, letter.reason) for letter in dead] == [
        (10, 0, "oversize"),
        (12, 0, "oversize"),
    ]


def test_envelopes_inside_envelopes_end_somewhere() -> None:
    value = TRAIL % 1
    for _ in range(4):
        value = b'{"Records":[' + value + b"]}"
    assert len(decode(value)[0]) == 1
    batch, dead = decode(b'{"Records":[' + value + b"]}")
    assert (len(batch), [letter.reason for letter in dead]) == (0, ["too_deep"])


def test_hostile_records_slow_nothing_down() -> None:
    hostile = [
        b"[" * 200_000,
        b'{"Records":' * 20_000,
        b'{"eventTime":' + b"9" * 900_000 + b"}",
        b'{"a":"' + b"\\ud800" * 150_000 + b'"}',
        b'{"detail":"' + b'{\\"detail\\":' * 50_000 + b'"}',
        b"{" + b'"Records":[],' * 50_000 + b'"a":1}',
    ]
    started = time.perf_counter()
    batch, dead = decode(*hostile, TRAIL % 1)
    assert time.perf_counter() - started < 3
    assert len(batch) == 1
    assert len(dead) >= 4


SOUP = st.sampled_from(
    [
        TRAIL % 1,
        USE % 1,
        ASSUME,
        b"",
        b"{",
        b"[1]",
        b'{"Records":[' + USE % 4 + b',{},{"detail":' + TRAIL % 5 + b"}]}",
        b"\xff",
    ]
)


@given(st.lists(st.tuples(SOUP, st.booleans()), max_size=12))
def test_what_a_record_becomes_does_not_depend_on_its_neighbours(parts: list[tuple[bytes, bool]]) -> None:
    records = raw(*(value for value, _ in parts))
    whole, dead = decoder().decode(records)
    strings = StringTable()
    batches, letters, start = [], [], 0
    cutter = decoder()
    for end in [at + 1 for at, (_, cut) in enumerate(parts) if cut] + [len(parts)]:
        batch, some = cutter.decode(records[start:end], strings)
        batches.append(batch)
        letters += some
        start = end
    joined = UseBatch.concat(batches, strings)
    assert rows(joined, *COLUMNS) == rows(whole, *COLUMNS)
    assert letters == dead


def test_no_records_are_an_empty_batch() -> None:
    batch, dead = decoder().decode([])
    assert (len(batch), dead) == (0, [])
