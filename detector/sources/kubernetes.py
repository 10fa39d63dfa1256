"""Kubernetes API server audit events (audit.k8s.io/v1, v1beta1, v1alpha1), from its log, its webhook or CloudWatch.

An event gives the use by its caller and, when the request issues a token or ends a pod or node, a row for that
(`sources/k8s/lineage.py`). A request is logged in stages. `RequestReceived` says nothing about the outcome and is
skipped; the others carry the time the request was received, so the two of a watch are one use, re-delivered.

What an operator must know of the log:

- It does not name its cluster: the realm is the one given for the topic, or `scan --realm`. The audit policy must let
  `system:node:*` and `create serviceaccounts/token` through at level Metadata; level Request adds what a token is
  bound to, RequestResponse its expiry.
- Of `sourceIPs` only the last is the peer that the API server saw; the others come from headers that a client may
  send. Behind a load balancer that hides its clients, all of them have its address.
- A client may choose its `auditID` too (header Audit-ID). It identifies a request to a person, and proves nothing.
- A request that impersonates is a use of the impersonator's credential; whom it impersonates is the channel,
  `impersonate:NAME`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

import xxhash

from detector.domain import Activity, Flag, Outcome, UseRow
from detector.errors import RecordError
from detector.records import RECORD_LIMIT, Memo, address, clean, event_time, read_object
from detector.sources.base import Reading, Rejected, Source
from detector.sources.k8s.identity import Caller, Secret, caller_of, secret_of, user_name
from detector.sources.k8s.lineage import effect_of
from detector.sources.k8s.wire import EVENT, PROBE, Annotations, Event, ResponseStatus, is_event

_ANNOUNCED: Final = "RequestReceived"
_EFFECTIVE: Final = frozenset({"create", "delete"})
_DECISIONS: Final = {"allow": Outcome.ALLOWED, "forbid": Outcome.DENIED}
_NO_ANNOTATIONS: Final = Annotations()
_NO_SECRET: Final = Secret()


class _Answer(NamedTuple):
    """What a `responseStatus` means."""

    outcome: int
    error: str


class Kubernetes(Source):
    """Kubernetes audit events."""

    name: ClassVar[str] = "kubernetes"
    title: ClassVar[str] = "Kubernetes audit"

    def __init__(self) -> None:
        self._callers: Memo[tuple[bytes, str, Secret], Caller] = Memo(
            lambda key: caller_of(*key), size=_size, limit=16_384, key_limit=4_096
        )
        self._answers: Memo[tuple[int, str, str], _Answer] = Memo(
            lambda key: _answer(*key), size=lambda key: len(key[1]) + len(key[2]), limit=4_096
        )
        self._actions: Memo[tuple[str, ...], str] = Memo(_action, size=lambda key: sum(map(len, key)), limit=16_384)
        self._addresses: Memo[str, str] = Memo(address, size=len)
        self._agents: Memo[str, str] = Memo(clean, size=len)
        self._resources: Memo[str, str] = Memo(clean, size=len)

    @classmethod
    def recognises(cls, record: bytes) -> bool:
        """Whether the object is of kind Event and version audit.k8s.io/…, or has an audit id and a stage.

        The API server leaves kind and version out of the items of a webhook's list.
        """
        try:
            return is_event(read_object(record, PROBE))
        except RecordError:
            return False

    def read(self, records: Sequence[bytes], realm: str) -> Reading:
        """See `Source.read`. Events of stage `RequestReceived` are skipped."""
        reading = Reading([], [], [])
        rows, places = reading.rows, reading.record
        for index, record in enumerate(records):
            try:
                event = _decoded(record)
                if event.stage == _ANNOUNCED:
                    reading.skipped += 1
                    continue
                row = self._row(event, realm, xxhash.xxh3_64_intdigest(record))
            except RecordError as error:
                reading.rejected.append(Rejected(index, error.reason, error.detail))
                continue
            rows.append(row)
            places.append(index)
            if event.verb in _EFFECTIVE and row.outcome == Outcome.ALLOWED:
                effect = effect_of(event, row)
                if effect is not None:
                    rows.append(effect)
                    places.append(index)
        return reading

    def _row(self, event: Event, realm: str, digest: int) -> UseRow:
        annotations = event.annotations or _NO_ANNOTATIONS
        status = event.response_status or ResponseStatus()
        secret = secret_of(annotations) if event.annotations is not None else _NO_SECRET
        caller = self._callers[bytes(event.user), realm, secret]
        answer = self._answers[status.code or 0, status.reason or "", annotations.decision or ""]
        impersonated = user_name(event.impersonated_user)
        return UseRow(  # by position: names cost half as much again, for every record
            clean(event.audit_id or ""),
            self.name,
            event_time(event.request_received_timestamp or event.stage_timestamp or event.timestamp or ""),
            realm,
            realm,
            caller.principal,
            caller.session,
            caller.credential,
            "",
            caller.peer_group,
            caller.issuer,
            self._addresses[event.source_ips[-1]] if event.source_ips else "",
            self._agents[event.user_agent or ""],
            caller.instance,
            caller.node,
            f"impersonate:{impersonated}" if impersonated else "",
            "",
            "",
            *self._deed(event),
            answer.error,
            0,
            digest,
            Activity.USE,
            caller.kind,
            caller.actor_class,
            answer.outcome,
            Flag.NONE,
        )

    def _deed(self, event: Event) -> tuple[str, str]:
        """Action and resource: `core:get secrets` and `namespace/name`, or `url:get metrics` and the path."""
        target, verb = event.object_ref, event.verb or ""
        if target is None or not target.resource:
            path = (event.request_uri or "").partition("?")[0]  # a query may hold anything, a command's words too
            return self._actions["url", verb, path.split("/", 2)[1] if path.count("/") else ""], self._resources[path]
        place, name = target.namespace or "", target.name or ""
        return (
            self._actions[target.api_group or "core", verb, target.resource, target.subresource or ""],
            self._resources[f"{place}/{name}" if place and name else place or name],
        )


def _size(caller: tuple[bytes, str, Secret]) -> int:
    user, _, secret = caller
    return len(user) + len(secret.namespace) + len(secret.name)


def _decoded(data: bytes) -> Event:
    """The event, with what every use needs. Raises RecordError."""
    if len(data) > RECORD_LIMIT:
        raise RecordError("oversize", f"expected at most {RECORD_LIMIT} bytes, found {len(data)}")
    event = read_object(data, EVENT)
    if not is_event(event):
        raise RecordError("unknown_format", "expected kind Event and apiVersion audit.k8s.io/…, or auditID and stage")
    if not (event.verb and bytes(memoryview(event.user)[:1]) == b"{"):
        raise RecordError("missing_field", "expected verb and user as the API server writes them, not flattened")
    if not (event.request_received_timestamp or event.stage_timestamp or event.timestamp):
        raise RecordError("missing_field", "expected requestReceivedTimestamp, stageTimestamp or timestamp")
    return event


def _answer(code: int, reason: str, decision: str) -> _Answer:
    """Outcome and error: by the status code, else by what the authorizer decided."""
    outcome = _DECISIONS.get(decision, Outcome.UNKNOWN)
    if code:
        refused = code in {401, 403}
        outcome = Outcome.DENIED if refused else Outcome.FAILED if code >= 400 else Outcome.ALLOWED
    return _Answer(outcome, (clean(reason) or str(code or "")) if outcome in {Outcome.DENIED, Outcome.FAILED} else "")


def _action(words: tuple[str, ...]) -> str:
    """`group:verb resource/subresource`."""
    group, verb, *target = words
    return clean(f"{group}:{verb} {'/'.join(filter(None, target)) or '/'}")
