"""Our own format: one JSON object per use, for any log that has no source of its own yet.

`time` and one of `credential`, `principal` or `instance` are required; every other field may be missing, and missing
means unknown. Keys that are not listed are ignored. Never put a bearer value (a token, a key) anywhere: name a
credential by its public id. A bearer value that is recognised is replaced by its hash before anything keeps it.

| field | type | meaning |
|---|---|---|
| `time` | RFC 3339 text, or seconds or milliseconds since 1970 | when the use happened |
| `native_id` | text | the log's own id of the record; repeated records are recognised by it |
| `realm` | text | home scope of the principal: account, cluster, organisation, tenant, project |
| `account` | text | where the use happened, when that is not the realm; default: the realm |
| `principal` | text | the workload identity the credential speaks for |
| `session` | text | role session name, pod uid or CI run |
| `credential` | text | public id of the credential: key id, `jti`, accessor, serial, hash |
| `kind` | label | credential kind, such as `aws.access-key` or `aws.session/instance`; see `detector.domain.KINDS` |
| `parent` | text | with `issue`: the credential it was issued to |
| `peer_group` | text | what the principal is one of; default: realm, kind and the path in the principal |
| `issuer` | text | who issued the credential |
| `issued_at`, `expires_at` | as `time` | life of the credential |
| `address` | text | IPv4 or IPv6 address the use came from |
| `client` | text | user agent as sent |
| `instance`, `node` | text | instance the credential is bound to; node the use came from |
| `channel` | text | `vpce:ID`, `service:NAME` or `console` |
| `region`, `delivery` | text | region of the service; how the credential was delivered |
| `action` | text | `service:verb` |
| `resource` | text | what was acted on |
| `outcome` | `allowed`, `denied`, `failed` | what the service answered |
| `error` | text | its error code |
| `activity` | `use` (default), `issue`, `exchange`, `renew`, `revoke`, `end`, `declare` | what the row states |
| `actor_class` | `workload`, `human`, `vendor`, `agent` | who is behind the principal |
| `on_behalf` | boolean | a service acts for the principal: counted, not scored |
| `reactivated` | boolean | with `declare`: the credential was switched on again |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec
import xxhash
from msgspec import Raw

from detector.domain import KIND_CODE, KINDS, Activity, ActorClass, Flag, Outcome, UseRow
from detector.errors import RecordError
from detector.records import RECORD_LIMIT, Memo, address, believable, clean, clean_credential, event_time, read_object
from detector.sources.base import Reading, Rejected, Source

_ACTIVITIES: Final = {value.name.lower(): int(value) for value in Activity if value < Activity.TICK}
_OUTCOMES: Final = {value.name.lower(): int(value) for value in Outcome}
_ACTORS: Final = {value.name.lower(): int(value) for value in ActorClass}
_SECONDS_BELOW: Final = 100_000_000_000  # the year 5138 in seconds, March 1973 in milliseconds

Time = str | int | float | None


class _Use(msgspec.Struct, gc=False):
    time: Time = None
    native_id: str | None = None
    realm: str | None = None
    account: str | None = None
    principal: str | None = None
    session: str | None = None
    credential: str | None = None
    kind: str | None = None
    parent: str | None = None
    peer_group: str | None = None
    issuer: str | None = None
    issued_at: Time = None
    expires_at: Time = None
    address: str | None = None
    client: str | None = None
    instance: str | None = None
    node: str | None = None
    channel: str | None = None
    region: str | None = None
    delivery: str | None = None
    action: str | None = None
    resource: str | None = None
    outcome: str | None = None
    error: str | None = None
    activity: str | None = None
    actor_class: str | None = None
    on_behalf: bool | None = None
    reactivated: bool | None = None


class _Probe(msgspec.Struct, gc=False):
    time: Raw = Raw()
    credential: Raw = Raw()
    principal: Raw = Raw()
    instance: Raw = Raw()
    event_source: Raw = msgspec.field(default=Raw(), name="eventSource")


_USE: Final = msgspec.json.Decoder(_Use)
_PROBE: Final = msgspec.json.Decoder(_Probe)


class Use(Source):
    """Uses as this package documents them."""

    name: ClassVar[str] = "use"
    title: ClassVar[str] = "Documented use JSON"

    def __init__(self) -> None:
        self._texts: Memo[str, str] = Memo(clean, size=len)
        self._credentials: Memo[str, str] = Memo(clean_credential, size=len)
        self._addresses: Memo[str, str] = Memo(address, size=len)

    @classmethod
    def recognises(cls, record: bytes) -> bool:
        """Whether the object has `time`, something that was used, and is not AWS CloudTrail's."""
        try:
            probe = read_object(record, _PROBE)
        except RecordError:
            return False
        named = any(memoryview(piece) for piece in (probe.credential, probe.principal, probe.instance))
        return bool(memoryview(probe.time)) and named and not memoryview(probe.event_source)

    def read(self, records: Sequence[bytes], realm: str) -> Reading:
        """See `Source.read`."""
        reading = Reading([], [], [])
        for index, record in enumerate(records):
            try:
                reading.rows.append(self._use(record, realm))
                reading.record.append(index)
            except RecordError as error:
                reading.rejected.append(Rejected(index, error.reason, error.detail))
        return reading

    def _use(self, data: bytes, default_realm: str) -> UseRow:
        """The one row of a record. Raises RecordError."""
        if len(data) > RECORD_LIMIT:
            raise RecordError("oversize", f"expected at most {RECORD_LIMIT} bytes, found {len(data)}")
        use, texts = read_object(data, _USE), self._texts
        if use.time is None or not (use.credential or use.principal or use.instance):
            raise RecordError("missing_field", "expected time, and credential, principal or instance")
        kind = _word(KIND_CODE, use.kind, "kind", "unknown")
        realm, principal = texts[use.realm or ""] or default_realm, texts[use.principal or ""]
        flags = (Flag.ON_BEHALF if use.on_behalf else Flag.NONE) | (Flag.REACTIVATED if use.reactivated else Flag.NONE)
        return UseRow(
            native_id=clean(use.native_id or ""),
            source=self.name,
            time=_time(use.time),
            realm=realm,
            account=texts[use.account or ""] or realm,
            principal=principal,
            session=texts[use.session or ""],
            credential=self._credentials[use.credential or ""],
            parent=self._credentials[use.parent or ""],
            peer_group=texts[use.peer_group or ""] or _peer_group(realm, kind, principal),
            issuer=texts[use.issuer or ""],
            address=self._addresses[use.address or ""],
            client=texts[use.client or ""],
            instance=texts[use.instance or ""],
            node=texts[use.node or ""],
            channel=texts[use.channel or ""],
            region=texts[use.region or ""],
            delivery=texts[use.delivery or ""],
            action=texts[use.action or ""],
            resource=texts[use.resource or ""],
            error=texts[use.error or ""],
            digest=xxhash.xxh3_64_intdigest(data),
            activity=_word(_ACTIVITIES, use.activity, "activity", "use"),
            kind=kind,
            actor_class=_word(_ACTORS, use.actor_class, "actor_class", "unknown"),
            outcome=_word(_OUTCOMES, use.outcome, "outcome", "unknown"),
            flags=flags,
            issued_at=_time(use.issued_at) if use.issued_at is not None else 0,
            expires_at=_time(use.expires_at) if use.expires_at is not None else 0,
        )


def _time(value: str | float) -> int:
    """Microseconds since 1970 of a text, or of a number of seconds or milliseconds. Raises RecordError."""
    if isinstance(value, str):
        return event_time(value)
    unit = 1_000_000 if abs(value) < _SECONDS_BELOW else 1_000
    if abs(value) > _SECONDS_BELOW * 1_000:
        raise RecordError("absurd_time", "expected seconds or milliseconds since 1970, found a larger number")
    return believable(round(value * unit))


def _word(words: Mapping[str, int], found: str | None, field: str, default: str) -> int:
    code = words.get(found or default)
    if code is None:
        raise RecordError(
            "bad_field", f"expected {field} to be one of {', '.join(words)}; found {clean(found or '')[:40]!r}"
        )
    return code


def _peer_group(realm: str, kind: int, principal: str) -> str:
    """Realm, kind and the path in the principal: all but the first and the last part between slashes."""
    if not principal:
        return ""
    path = principal.rpartition("://")[2]
    first, last = path.find("/"), path.rfind("/")
    return f"{realm}|{KINDS[kind].label}|{path[first : last + 1] if 0 <= first < last else '/'}"
