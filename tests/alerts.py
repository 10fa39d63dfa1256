"""Builders of alerts: plain functions with keyword overrides."""

from __future__ import annotations

import msgspec

from detector.alert import (
    Alert,
    CredentialRef,
    DetectorRef,
    Evidence,
    Interval,
    Learning,
    Observable,
    Reason,
    ResponseAdvice,
    SourceEndpoint,
    Taxonomy,
)

_BASE = Alert(
    id="ma3xk2q7incident1rev1aaaa",
    incident_id="incident1aaaaaaaaaaaaaaaa",
    revision=1,
    dedup_key="incident1aaaaaaaaaaaaaaaa",
    status="new",
    time="2026-01-05T10:00:00Z",
    start_time="2026-01-05T09:58:00Z",
    end_time="2026-01-05T10:00:00Z",
    detected_time="2026-01-05T10:00:00Z",
    family="replay",
    detection="replay.concurrent_use",
    detections=["replay.concurrent_use", "replay.new_origin"],
    title="Instance session i-0a1b2c3d4e5f60718 is used from two places at once",
    description="One single-holder session was used alternately from two networks by two clients.",
    severity="high",
    tier="page",
    is_alert=True,
    confidence=0.97,
    calibrated=False,
    risk=0.8,
    impact=0.82,
    realm="111122223333",
    account="111122223333",
    actor_class="workload",
    credential=CredentialRef(
        id="ASIAEXAMPLE0000000001",
        kind="aws.session/instance",
        principal="arn:aws:iam::111122223333:role/web/app#instance",
        expires_at="2026-01-05T16:00:00Z",
    ),
    related_credentials=[],
    src=SourceEndpoint(ip="203.0.113.9", region="eu-west-1"),
    observables=[Observable(type="ip", value="203.0.113.9", role="observed")],
    evidence=Evidence(
        event_ids=["5f1c0e1a-0001", "5f1c0e1a-0002"],
        event_count=2,
        truncated=False,
        first_time="2026-01-05T09:58:00Z",
        last_time="2026-01-05T10:00:00Z",
        source_refs=["logs/a.json.gz:7", "logs/a.json.gz:9"],
    ),
    reasons=[
        Reason(facet="client", observed="curl/8 linux", expected="boto3/1 linux", contribution=2.1),
        Reason(facet="network", observed="203.0.113.0/24", expected="198.51.100.0/24", contribution=6.4),
    ],
    timeline=[
        Interval(
            context="203.0.113.0/24, curl/8 linux",
            role="observed",
            first_time="2026-01-05T09:58:00Z",
            last_time="2026-01-05T10:00:00Z",
        ),
        Interval(
            context="198.51.100.0/24, boto3/1 linux",
            role="expected",
            first_time="2026-01-01T00:00:00Z",
            last_time="2026-01-05T09:59:00Z",
        ),
    ],
    taxonomy=Taxonomy(owasp_nhi=["NHI2"], attack=["T1550.001"]),
    response=ResponseAdvice(
        recommended="deny this role session",
        handle="role session name",
        blast_radius="one EC2 instance",
        active_credentials=1,
        reversible=True,
        survives="sessions under another name",
    ),
    learning=Learning(baseline_age_days=4.2, cold_start=False),
    runbook_url="detections/replay_concurrent_use",
    silence="silence --principal 'arn:aws:iam::111122223333:role/web/app#instance' --for 7d",
    detector=DetectorRef(version="0.1.0", bundle="default", config="0" * 16, detection_version="1"),
)


CREDENTIAL = _BASE.credential


def alert(*, event_ids: list[str] | None = None, **changes: object) -> Alert:
    """A complete alert of an instance session used from two places, with `changes`, resting on `event_ids`."""
    if event_ids is not None:
        changes["evidence"] = msgspec.structs.replace(_BASE.evidence, event_ids=event_ids, event_count=len(event_ids))
    return msgspec.structs.replace(_BASE, **changes)
