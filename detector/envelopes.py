"""What logs travel in: gzip, `{"Records": […]}`, webhook batches, event buses, log subscriptions, look-ups.

`payload` undoes the transport of a whole value, `unwrap` takes one envelope off. An inner record keeps its own bytes
(a slice of the envelope, or the text of a string), so its digest does not depend on how it was packed.
"""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
from msgspec import Raw

from detector.errors import RecordError
from detector.records import pieces_of

ENVELOPE_LIMIT: Final = 256 << 20  # bytes of one envelope, decompressed
DEPTH_LIMIT: Final = 4  # envelopes inside envelopes

# A list under one of these keys is the envelope of its items, whatever else the object says.
LIST_KEYS: Final = ("Records", "Events", "logEvents")
# An object of this kind (Kubernetes audit) is one too, of a list under a key that alone is too common to mean it.
LIST_KIND: Final = b'"EventList"'
KIND_LIST_KEY: Final = "items"
# A record under one of these keys: an event bus's object, a look-up's text, a subscription's text.
ITEM_KEYS: Final = ("detail", "CloudTrailEvent", "message")

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_LIST: Final = msgspec.json.Decoder(list[Raw])
_TEXT: Final = msgspec.json.Decoder(str)


def payload(value: bytes) -> bytes:
    """The bytes of a value without gzip and byte-order mark, known to be UTF-8.

    Raises RecordError (empty, oversize, truncated_gzip, bad_gzip, invalid_utf8).
    """
    if value.startswith(_GZIP):
        value = _gunzip(value)
    if value.startswith(_BOM):
        value = value[3:]
    if len(value) > ENVELOPE_LIMIT:
        raise RecordError("oversize", f"expected at most {ENVELOPE_LIMIT} bytes, found {len(value)}")
    if not value:
        raise RecordError("empty", "expected a record, found no bytes")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise RecordError("invalid_utf8", f"expected UTF-8; {error.reason} at byte {error.start}") from None
    return value


def unwrap(value: bytes) -> list[bytes] | None:
    """The records inside one envelope, in order; None when `value` is an object that is no envelope.

    Raises RecordError (not_json, not_object, too_deep, …) when `value` is no object and no list.
    """
    found = items(value)
    if found is None:
        pieces = pieces_of(value)
        inner = (_inner(bytes(pieces[key])) for key in ITEM_KEYS if key in pieces)
        record = next((record for record in inner if record is not None), None)
        found = None if record is None else [record]
    return found


def items(value: bytes) -> list[bytes] | None:
    """As `unwrap`, for lists only: the records of an array, of `{"Records": […]}` or of an `EventList`.

    None for any other object.
    """
    if value.lstrip()[:1] == b"[":
        return _list(value)
    pieces = pieces_of(value)
    keys = (*LIST_KEYS, KIND_LIST_KEY) if bytes(pieces.get("kind", b"")) == LIST_KIND else LIST_KEYS
    arrays = (pieces[key] for key in keys if key in pieces and bytes(memoryview(pieces[key])[:1]) == b"[")
    array = next(arrays, None)
    return None if array is None else _list(array)


def _list(array: bytes | Raw) -> list[bytes]:
    try:
        return [bytes(item) for item in _LIST.decode(array)]
    except RecursionError:
        raise RecordError("too_deep", "expected at most a few dozen levels of nesting") from None
    except msgspec.DecodeError as error:
        raise RecordError("not_json", str(error)) from None


def _inner(piece: bytes) -> bytes | None:
    """An object, or the text of a string that may hold one; None for anything else."""
    if piece.startswith(b"{"):
        return piece
    if piece.startswith(b'"'):
        try:
            text = _TEXT.decode(piece).encode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return text if text.lstrip().startswith(b"{") else None
    return None


def _gunzip(value: bytes) -> bytes:
    """All members of a gzip file, decompressed as far as `ENVELOPE_LIMIT` allows: a bomb is refused, not inflated."""
    parts: list[bytes] = []
    room = ENVELOPE_LIMIT
    while value.startswith(_GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(value, room + 1)
        except zlib.error as error:
            raise RecordError("bad_gzip", str(error)) from None
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise RecordError("oversize", f"expected at most {ENVELOPE_LIMIT} bytes once decompressed")
        if not member.eof:
            raise RecordError("truncated_gzip", f"the compressed data ends after {len(value)} bytes")
        value = member.unused_data.lstrip(b"\0")
    if value:
        raise RecordError("bad_gzip", "expected another gzip member, found other bytes after the end of one")
    return b"".join(parts)
