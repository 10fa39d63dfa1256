"""What every source needs to read one logged record: a typed decode that forgives, times, addresses, clean texts.

Layer 0, beside `domain`: pure functions over bytes and texts. Hostile input costs a record its place in the output,
never a crash, and never much time: each step is linear in the bytes, and texts are cut at `TEXT_LIMIT`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw

from detector.errors import RecordError

K = TypeVar("K")
V = TypeVar("V")
S = TypeVar("S", bound=msgspec.Struct)

REASONS: Final[dict[str, str]] = {
    "empty": "the record has no bytes",
    "oversize": "larger than 1 MiB after unwrapping, or an envelope larger than 256 MiB",
    "truncated_gzip": "the compressed data ends early; what came before was read",
    "bad_gzip": "the compressed data is damaged; what came before was read",
    "invalid_utf8": "the bytes are not UTF-8",
    "not_json": "the bytes are not one JSON value",
    "not_object": "JSON, but not an object",
    "too_deep": "nested deeper than any real log",
    "unknown_format": "an object that no source recognises",
    "missing_field": "a field that every use needs is missing, empty or of another type",
    "bad_field": "a field holds a word that is not one of its words",
    "bad_time": "the event time cannot be read",
    "absurd_time": "the event time is before 2006 or after 2100",
}

RECORD_LIMIT: Final = 1 << 20  # bytes of one record, unwrapped
TEXT_LIMIT: Final = 2_048  # characters of one kept text; longer ones end in a hash, so different texts stay different
EARLIEST: Final = 1_136_073_600_000_000  # 2006-01-01, the year of the first cloud logs, in microseconds
LATEST: Final = 4_102_444_800_000_000  # 2100-01-01
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Memo(dict[K, V], Generic[K, V]):
    """A pure function with a bounded memory: `memo[key]` is `function(key)`. Emptied when full.

    Keys whose `size` is above `key_limit` are computed and not kept, so memory stays within `limit` × `key_limit`.
    """

    __slots__ = ("_function", "_key_limit", "_limit", "_size")

    def __init__(
        self, function: Callable[[K], V], *, size: Callable[[K], int], limit: int = 65_536, key_limit: int = 1_024
    ) -> None:
        super().__init__()
        self._function = function
        self._size = size
        self._limit = limit
        self._key_limit = key_limit

    def __missing__(self, key: K) -> V:
        value = self._function(key)
        if self._size(key) <= self._key_limit:
            if len(self) >= self._limit:
                self.clear()
            self[key] = value
        return value


# -- typed decode -----------------------------------------------------------------------------------------------------

_PIECES: Final = msgspec.json.Decoder(dict[str, Raw])
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_NUMBER: Final = re.compile(rb"-?[0-9.eE+-]{1,64}")


def read_object(record: bytes, decoder: msgspec.json.Decoder[S]) -> S:
    """One JSON object as the struct of `decoder`: strictly first, then piece by piece.

    In the second attempt a part of another type becomes its default, so a strange optional field does not lose the
    record. All fields of the struct must have defaults. Bytes that are not UTF-8 are noticed only in what is read:
    `envelopes.payload` looks at all of them. Raises RecordError (empty, invalid_utf8, not_json, not_object, too_deep).
    """
    try:
        return decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _forgiving(pieces_of(record), decoder.type)


def pieces_of(record: bytes) -> dict[str, Raw]:
    """The values of a JSON object by key, undecoded; the last of equal keys. Raises RecordError like `read_object`."""
    try:
        return _PIECES.decode(record)
    except UnicodeDecodeError as error:
        raise RecordError("invalid_utf8", f"expected UTF-8; {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise RecordError("too_deep", "expected at most a few dozen levels of nesting") from None
    except msgspec.ValidationError as error:
        raise RecordError("not_object", str(error)) from None
    except msgspec.DecodeError as error:
        # A lone surrogate is legal JSON that no UTF-8 can hold. Whoever picks a user agent must not be able to make
        # a record unreadable with it.
        repaired = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], record)
        if repaired != record:
            return pieces_of(repaired)
        raise (RecordError("not_json", str(error)) if record.strip() else RecordError("empty", "no bytes")) from None


def _forgiving(pieces: dict[str, Raw], shape: type[S]) -> S:
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        piece = pieces.get(field.encode_name)
        if piece is not None:
            try:
                values[field.name] = msgspec.json.decode(piece, type=field.type)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                kept = _forgiven(bytes(piece), field.type)
                if kept is not None:
                    values[field.name] = kept
    return shape(**values)


def _forgiven(piece: bytes, kind: Any) -> Any:
    """What can be kept of a piece of another type: a struct without its strange parts, a number as text, or None."""
    nested = next((part for part in (kind, *getattr(kind, "__args__", ())) if _is_struct(part)), None)
    if nested is not None:
        try:
            return _forgiving(pieces_of(piece), nested)
        except RecordError:
            return None
    if (kind is str or str in getattr(kind, "__args__", ())) and _NUMBER.fullmatch(piece):
        return piece.decode("ascii")
    return None


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


# -- times ------------------------------------------------------------------------------------------------------------

_JAVA_TIME: Final = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d):(\d\d)\s([AP]M)")


def event_time(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 time; UTC unless it says otherwise, digits beyond the sixth dropped.

    Raises RecordError (bad_time, absurd_time).
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordError("bad_time", f"expected an ISO 8601 time, found {clean(text)[:40]!r}") from None
    return believable(_microseconds(moment))


def believable(time: int) -> int:
    """`time` itself. Raises RecordError (absurd_time) when it is before 2006 or not before 2100."""
    if EARLIEST <= time < LATEST:
        return time
    raise RecordError("absurd_time", f"expected a time from 2006 to 2099, found {time / 1e6:.0f} s since 1970")


def optional_time(text: str | None) -> int:
    """As `event_time`, also for `Jul 30, 2024, 9:46:15 PM`; 0 for anything unreadable or absurd."""
    if not text:
        return 0
    java = _JAVA_TIME.fullmatch(text)
    try:
        if java is None:
            return event_time(text)
        month, day, year, hour, minute, second, half = java.groups()
        moment = datetime.strptime(
            f"{year} {month} {day} {hour} {minute} {second} {half} +0000", "%Y %b %d %I %M %S %p %z"
        )
        return believable(_microseconds(moment))
    except (RecordError, ValueError):
        return 0


def _microseconds(moment: datetime) -> int:
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# -- addresses and texts ----------------------------------------------------------------------------------------------

_LIKE_ADDRESS: Final = re.compile(r"\d{1,4}(?:\.\d{1,4}){3}|(?=.*:.*:)[0-9A-Fa-f:.]{3,64}")
# Prefixes that bearer values carry by design; everything after one, up to its end, is the secret.
_BEARER: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"eyJ[\w-]{8,}+(?:\.[\w-]*+){1,4}"  # JSON web token
    r"|gh[opsur]_\w{16,}+|github_pat_\w{16,}+|glpat-[\w-]{16,}+"
    r"|hv[bsr]\.[\w-]{16,}+|s\.[A-Za-z0-9]{24}(?![A-Za-z0-9])"  # Vault
    r"|xox[a-z]-[\w-]{10,}+|ya29\.[\w-]{16,}+"
    r"|(?:IQoJ|FwoG|FQoG)[\w+/=-]{60,}+"  # AWS session token
    r"|-----BEGIN[A-Z ]{0,40}PRIVATE KEY.*"
    r")",
    re.DOTALL,
)
_SECRET_KEY: Final = re.compile(r"[A-Za-z0-9/+=]{40}")
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def address(text: str) -> str:
    """An address in its normal form; unchanged when it is shaped like one but is none; empty otherwise.

    Publishers of logs rewrite addresses into impossible ones (`255.18.064.253`): such a text still tells two places
    apart. An IPv4 address mapped into IPv6 is the IPv4 address.
    """
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return text if _LIKE_ADDRESS.fullmatch(text) else ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def clean(text: str) -> str:
    """`text` without bearer values, at most `TEXT_LIMIT` characters: what may be kept, logged and shown."""
    if len(text) > TEXT_LIMIT:
        text = text[: TEXT_LIMIT - 48] + "…" + _hashed(text)
    return _BEARER.sub(lambda match: _hashed(match[0]), text)


def clean_credential(text: str) -> str:
    """As `clean`, and a text that is itself a secret key (40 characters of base64) becomes its hash.

    Forty hexadecimal digits are a certificate's thumbprint, which is public.
    """
    if len(text) == 40 and _SECRET_KEY.fullmatch(text) and not _HEX.fullmatch(text):
        return _hashed(text)
    return clean(text)


def _hashed(secret: str) -> str:
    return "sha256:" + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:32]
