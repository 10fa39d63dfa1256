"""The alert contract `detector.alert/1`: one JSON object per incident revision (stable; other formats are encoders).

Times are RFC 3339 texts in UTC. Ids are those of the incident and its revision: no topic, offset, model or clock
enters them, so the same uses give the same ids on any day, on any machine, in any batch size.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["informational", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("informational", "low", "medium", "high", "critical")
SCHEMA = "detector.alert/1"


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=False, kw_only=True):
    """Base of the parts of an alert."""


class CredentialRef(Struct, frozen=True, kw_only=True):
    """The credential the incident is about. `static`: it does not expire by itself."""

    id: str
    kind: str
    principal: str
    issuer: str | None = None
    static: bool = False
    issued_at: str | None = None
    expires_at: str | None = None


class SourceEndpoint(Struct, frozen=True, kw_only=True):
    """Where the deciding use came from; `None` where the log or the enrichment does not say."""

    ip: str | None = None
    asn: int | None = None
    region: str | None = None


class Observable(Struct, frozen=True, kw_only=True):
    """A value an analyst can search for; `expected` ones belong to the owner."""

    type: str
    value: str
    role: Literal["observed", "expected"]


class Evidence(Struct, frozen=True, kw_only=True):
    """The uses the incident rests on: native ids (at most 100, or 64 KiB), how many there were, where they stand."""

    event_ids: list[str]
    event_count: int
    truncated: bool
    first_time: str
    last_time: str
    source_refs: list[str]


class Reason(Struct, frozen=True, kw_only=True):
    """One piece of evidence in words: what was observed, what was expected, and what it added (nats)."""

    facet: str
    observed: str
    expected: str
    contribution: float


class Interval(Struct, frozen=True, kw_only=True):
    """A context and when it was active: the timeline of the incident."""

    context: str
    role: Literal["observed", "expected"]
    first_time: str
    last_time: str


class Taxonomy(Struct, frozen=True, kw_only=True):
    """Where the detections stand in public catalogues."""

    owasp_nhi: list[str]
    attack: list[str]


class ResponseAdvice(Struct, frozen=True, kw_only=True):
    """What can be done: the handle a revoker accepts, what else it breaks, what survives it."""

    recommended: str
    handle: str
    blast_radius: str
    active_credentials: int
    reversible: bool
    survives: str


class Learning(Struct, frozen=True, kw_only=True):
    """How much is known of the principal."""

    baseline_age_days: float
    cold_start: bool


class DetectorRef(Struct, frozen=True, kw_only=True):
    """What produced the alert."""

    version: str
    bundle: str
    config: str
    detection_version: str


class Alert(Struct, frozen=True, kw_only=True):
    """One revision of an incident."""

    schema: str = SCHEMA
    kind: Literal["incident"] = "incident"
    id: str
    incident_id: str
    revision: int
    campaign_id: str | None = None
    dedup_key: str
    status: Literal["new", "update", "closed"]
    time: str
    start_time: str
    end_time: str
    detected_time: str
    family: str
    detection: str
    detections: list[str]
    title: str
    description: str
    severity: Severity
    tier: Literal["page", "queue", "digest"]
    is_alert: bool
    confidence: float
    calibrated: bool
    risk: float
    impact: float
    realm: str
    account: str | None = None
    environment: str | None = None
    owner: str | None = None
    actor_class: str
    credential: CredentialRef
    related_credentials: list[str]
    src: SourceEndpoint
    observables: list[Observable]
    evidence: Evidence
    reasons: list[Reason]
    timeline: list[Interval]
    taxonomy: Taxonomy
    response: ResponseAdvice
    learning: Learning
    verdict: str | None = None
    close_reason: str | None = None
    runbook_url: str
    silence: str
    detector: DetectorRef


def encode(alert: Alert) -> bytes:
    """One line of canonical JSON, without the newline."""
    return msgspec.json.encode(alert)


def decode(line: bytes) -> Alert:
    """The inverse of `encode`. Raises msgspec.DecodeError or msgspec.ValidationError."""
    return msgspec.json.decode(line, type=Alert)


def to_builtins(alert: Alert) -> dict[str, Any]:
    """The alert as plain dictionaries and lists."""
    plain: dict[str, Any] = msgspec.to_builtins(alert)
    return plain
