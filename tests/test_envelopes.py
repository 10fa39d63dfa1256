"""Envelopes: what they hold, byte for byte, and how little they can hurt."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import envelopes
from detector.envelopes import items, payload, unwrap
from detector.errors import RecordError

RECORD = b'{"eventName": "GetObject" , "n":1.50}'
TEXT = json.dumps(RECORD.decode()).encode()


@pytest.mark.parametrize(
    "envelope",
    [
        b'{"Records": [' + RECORD + b"]}",
        b'{"Events": [' + RECORD + b"]}",
        b"[" + RECORD + b"]",
        b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[' + RECORD + b"]}",
        b'{"apiVersion":"audit.k8s.io/v1","items":[' + RECORD + b'],"kind":"EventList"}',
        b'{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":' + RECORD + b"}",
        b'{"EventId":"x","CloudTrailEvent":' + TEXT + b"}",
        b'{"id":"1","timestamp":1,"message":' + TEXT + b"}",
    ],
)
def test_an_inner_record_keeps_its_own_bytes(envelope: bytes) -> None:
    assert unwrap(envelope) == [RECORD]


def test_a_log_subscription_holds_messages_that_hold_records() -> None:
    envelope = b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":' + TEXT + b'},{"message":"text"}]}'
    messages = unwrap(envelope)
    assert messages is not None
    assert [unwrap(message) for message in messages] == [[RECORD], None]


@pytest.mark.parametrize(
    "plain",
    [
        b"{}",
        RECORD,
        b'{"Records": 5}',
        b'{"Records": {}}',
        b'{"items": [{}]}',
        b'{"kind": "PodList", "items": [{}]}',
        b'{"kind": "EventList", "items": null}',
        b'{"detail": "text"}',
        b'{"detail": [1]}',
        b'{"message": null}',
    ],
)
def test_an_object_that_is_no_envelope_is_none(plain: bytes) -> None:
    assert unwrap(plain) is None


def test_an_empty_envelope_holds_nothing() -> None:
    assert unwrap(b'{"Records": []}') == []


def test_items_are_those_of_lists_only() -> None:
    assert items(b'{"Records": [{}, {}]}') == [b"{}", b"{}"]
    assert items(b'{"detail": {}}') is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff{}", "invalid_utf8"),
        (gzip.compress(RECORD * 50)[:-12], "truncated_gzip"),
        (gzip.compress(b"")[:5], "truncated_gzip"),
        (b"\x1f\x8bgarbage-garbage", "bad_gzip"),
    ],
)
def test_a_damaged_transport_is_refused_with_the_reason(value: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        payload(value)
    assert caught.value.reason == reason


def test_gzip_of_several_members_and_a_byte_order_mark_are_undone() -> None:
    assert payload(gzip.compress(b'{"a":') + gzip.compress(b"1}")) == b'{"a":1}'
    assert payload(b"\xef\xbb\xbf{}") == b"{}"
    assert payload(gzip.compress(b"\xef\xbb\xbf{}")) == b"{}"


def test_a_gzip_bomb_is_refused_without_being_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "ENVELOPE_LIMIT", 1 << 16)
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b"0" * (1 << 20)) + packer.flush()
    with pytest.raises(RecordError) as caught:
        payload(bomb)
    assert caught.value.reason == "oversize"


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise_anything_but_a_record_error(data: bytes) -> None:
    for function in (payload, unwrap):
        with suppress(RecordError):
            function(data)
