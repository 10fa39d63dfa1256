"""AWS CloudTrail: one API call, as recorded for one account.

A record gives the use by its caller and, when the call hands out, withdraws or ends something, a row for each effect
(`sources/aws/lineage.py`). The identity of a caller repeats for every call of a session, so it is kept undecoded and
remembered by its bytes; what is left per record is one typed decode and a few look-ups.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

import xxhash

from detector.domain import Activity, ActorClass, Flag, Outcome, UseRow
from detector.errors import RecordError
from detector.records import RECORD_LIMIT, Memo, address, clean, event_time, read_object
from detector.sources.aws.identity import Caller, caller_of, is_service, is_true
from detector.sources.aws.lineage import EFFECTS, effects_of
from detector.sources.aws.wire import PROBE, RECORD, SALIENT, Record
from detector.sources.base import Reading, Rejected, Source

_EXCHANGES: Final = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
_SIGN_IN: Final = "signin.amazonaws.com"
_REFUSED: Final = re.compile(
    r"denied|unauthori[sz]ed|notauthorized|forbidden|authfailure|invalidclienttokenid|expiredtoken|signaturedoesnotmatch",
    re.IGNORECASE,
)


class _Origin(NamedTuple):
    """What a `sourceIPAddress` is: an address, or a service that calls on behalf."""

    address: str
    service: str


class _Failure(NamedTuple):
    """What an `errorCode` means."""

    error: str
    outcome: int


class CloudTrail(Source):
    """AWS CloudTrail management, data and network events."""

    name: ClassVar[str] = "cloudtrail"
    title: ClassVar[str] = "AWS CloudTrail"

    def __init__(self) -> None:
        self._callers: Memo[tuple[bytes, str], Caller] = Memo(
            lambda key: caller_of(*key), size=lambda key: len(key[0]), limit=16_384, key_limit=4_096
        )
        self._origins: Memo[str, _Origin] = Memo(_origin, size=len)
        self._failures: Memo[str, _Failure] = Memo(_failure, size=len, limit=4_096)
        self._services: Memo[str, str] = Memo(_service, size=len, limit=4_096)
        self._times: Memo[str, int] = Memo(event_time, size=len)
        self._texts: Memo[str, str] = Memo(clean, size=len)
        self._resources: Memo[str, str] = Memo(clean, size=len)

    @classmethod
    def recognises(cls, record: bytes) -> bool:
        """Whether the object has `eventSource` and `eventName`."""
        try:
            probe = read_object(record, PROBE)
        except RecordError:
            return False
        return bool(memoryview(probe.event_source)) and bool(memoryview(probe.event_name))

    def read(self, records: Sequence[bytes], realm: str) -> Reading:
        """See `Source.read`."""
        reading = Reading([], [], [])
        rows, places = reading.rows, reading.record
        for index, record in enumerate(records):
            try:
                row, effects = self._use(record, realm)
            except RecordError as error:
                reading.rejected.append(Rejected(index, error.reason, error.detail))
                continue
            rows.append(row)
            places.append(index)
            if effects:
                rows += effects
                places += [index] * len(effects)
        return reading

    def _use(self, data: bytes, realm: str) -> tuple[UseRow, list[UseRow]]:
        """The caller's row, and those of the call's effects. Raises RecordError."""
        record = _decoded(data)
        recipient = self._texts[record.recipient_account_id or ""]
        caller = self._callers[bytes(record.user_identity), recipient or realm]
        row = self._row(record, caller, recipient or caller.account, xxhash.xxh3_64_intdigest(data))
        if record.event_name in EFFECTS and row.outcome == Outcome.ALLOWED:
            return row, effects_of(record, caller, row)
        return row, []

    def _row(self, record: Record, caller: Caller, account: str, digest: int) -> UseRow:
        origin = self._origins[record.source_address or ""]
        failure = self._failures[record.error_code or ""]
        service = caller.service or origin.service
        by_person = is_true(record.session_credential_from_console) or record.event_source == _SIGN_IN
        return UseRow(  # by position: names cost half as much again, for every record
            _id(record.event_id or ""),
            self.name,
            self._times[record.event_time],
            caller.realm,
            account,
            caller.principal,
            caller.session,
            caller.credential,
            "",
            caller.peer_group,
            caller.issuer,
            origin.address,
            self._texts[record.user_agent or ""],
            caller.instance,
            "",
            _channel(record, service, by_person=by_person),
            self._texts[record.aws_region or ""],
            caller.delivery,
            self._texts[f"{self._services[record.event_source]}:{record.event_name}"],
            self._resource(record),
            failure.error,
            0,
            digest,
            Activity.EXCHANGE if record.event_name in _EXCHANGES else Activity.USE,
            caller.kind,
            ActorClass.HUMAN if by_person else caller.actor_class,
            failure.outcome,
            Flag.ON_BEHALF if service else Flag.NONE,
            caller.issued_at,
        )

    def _resource(self, record: Record) -> str:
        """The first resource's ARN, else the parameter that says most about what the call is for."""
        if record.resources and (arn := record.resources[0].arn):
            return self._resources[arn]
        asked = record.request_parameters
        if asked is not None:
            for field in SALIENT:
                if found := getattr(asked, field):
                    return self._resources[found]
        return ""


def _decoded(data: bytes) -> Record:
    """The record, with what every use needs. Raises RecordError."""
    if len(data) > RECORD_LIMIT:
        raise RecordError("oversize", f"expected at most {RECORD_LIMIT} bytes, found {len(data)}")
    record = read_object(data, RECORD)
    if not (record.event_name and record.event_source and record.event_time):
        raise RecordError("missing_field", "expected eventTime, eventSource and eventName, each a text")
    return record


def _channel(record: Record, service: str, *, by_person: bool) -> str:
    if service:
        return f"service:{service}"
    if record.vpc_endpoint_id:
        return f"vpce:{clean(record.vpc_endpoint_id)}"
    return "console" if by_person else ""


def _id(text: str) -> str:
    return text if len(text) == 36 else clean(text)  # a UUID of AWS needs no look at what it may hide


def _origin(text: str) -> _Origin:
    return _Origin("", clean(text)) if is_service(text) else _Origin(address(text), "")


def _failure(code: str) -> _Failure:
    if not code:
        return _Failure("", Outcome.ALLOWED)
    return _Failure(clean(code), Outcome.DENIED if _REFUSED.search(code) else Outcome.FAILED)


def _service(source: str) -> str:
    """`ec2` of `ec2.amazonaws.com`."""
    return source.removesuffix(".amazonaws.com")
