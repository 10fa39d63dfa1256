"""Reading one record: the forgiving decode, times, addresses, clean texts."""

from __future__ import annotations

import time
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import RecordError
from detector.records import (
    EARLIEST,
    LATEST,
    REASONS,
    TEXT_LIMIT,
    Memo,
    address,
    clean,
    clean_credential,
    event_time,
    optional_time,
    read_object,
)


class Inner(msgspec.Struct):
    text: str | None = None
    number: int | None = None


class Outer(msgspec.Struct):
    text: str = ""
    inner: Inner | None = None
    many: list[Inner] | None = None


DECODER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"text":"a","inner":{"text":"b","number":1}}', Outer("a", Inner("b", 1))),
        (b'{"text":7,"inner":{"text":"b"}}', Outer("7", Inner("b"))),
        (b'{"text":"a","inner":{"text":"b","number":"x"}}', Outer("a", Inner("b"))),
        (b'{"text":["a"],"inner":5,"many":"x"}', Outer()),
        (b'{"text":"a","text":"b"}', Outer("b")),
        (b'{"text":"a\\ud800z"}', Outer("a\ufffdz")),
        (b'{"text":"\\ud83d\\ude00","other":"\\udc00"}', Outer("\U0001f600")),
        (b'{"text":"\\\\ud800","other":"\\ud800"}', Outer("\\ud800")),
        (b'{"text":' + b"1" * 5_000 + b"}", Outer()),
    ],
)
def test_a_strange_part_becomes_its_default_and_the_rest_is_kept(record: bytes, expected: Outer) -> None:
    assert read_object(record, DECODER) == expected


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", "empty"),
        (b"\n ", "empty"),
        (b"{", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"{} {}", "not_json"),
        (b"[1]", "not_object"),
        (b'{"\xff": 1, "text": []}', "invalid_utf8"),
        (b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}", "too_deep"),
    ],
)
def test_what_is_no_object_is_refused_with_the_reason(record: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_object(record, DECODER)
    assert caught.value.reason == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Nov 18, 2017 1:21:51 AM", 1_510_968_111),
        ("Jul 30, 2024, 9:46:15 PM", 1_722_375_975),
        ("Jul 30, 2024, 9:46:15\u202fPM", 1_722_375_975),
        ("2024-07-30T21:46:15Z", 1_722_375_975),
        ("Feb 31, 2024, 9:46:15 PM", 0),
        ("tomorrow", 0),
        ("1970-01-01T00:00:00Z", 0),
        (None, 0),
    ],
)
def test_an_optional_time_is_read_in_both_spellings_or_unknown(text: str | None, seconds: int) -> None:
    assert optional_time(text) == seconds * 1_000_000


@given(st.text(max_size=40))
def test_no_text_makes_a_time_raise_anything_but_a_record_error(text: str) -> None:
    with suppress(RecordError):
        assert EARLIEST <= event_time(text) < LATEST


@given(st.text(max_size=60))
def test_an_address_in_normal_form_stays_as_it_is(text: str) -> None:
    assert address(address(text)) == address(text)


def test_text_around_a_secret_is_kept_and_the_secret_is_not() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"  # noqa: S105 - the shape of one
    cleaned = clean(f"agent/1 auth={token} end")
    assert cleaned.startswith("agent/1 auth=sha256:")
    assert cleaned.endswith(" end")
    assert clean(cleaned) == cleaned


@given(st.text(alphabet="ey J.-_ghp0aA:/", max_size=200))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_credential(clean_credential(text)) == clean_credential(text)


def test_long_texts_are_cut_and_stay_different() -> None:
    first, second = "a" * 5_000 + "1", "a" * 5_000 + "2"
    assert len(clean(first)) <= TEXT_LIMIT
    assert clean(first) != clean(second)


@pytest.mark.parametrize("hostile", ["eyJ-" * 250_000, "a." * 500_000, "-----BEGIN" * 100_000, "ghp_" * 250_000])
def test_no_text_is_slow_to_clean(hostile: str) -> None:
    started = time.perf_counter()
    clean(hostile)
    assert time.perf_counter() - started < 0.5


def test_a_memo_computes_once_and_stays_within_its_limits() -> None:
    asked: list[str] = []

    def length(key: str) -> int:
        asked.append(key)
        return len(key)

    memo: Memo[str, int] = Memo(length, size=len, limit=3, key_limit=4)
    assert [memo[key] for key in ("a", "bb", "a", "a")] == [1, 2, 1, 1]
    assert asked == ["a", "bb"]
    assert memo["too long"] == 8
    assert "too long" not in memo
    for key in "cdefgh":
        assert memo[key] == 1
        assert len(memo) <= 3
