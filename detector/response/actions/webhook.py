"""Asks a receiver of your own to revoke: a thin Standard Webhooks payload, which names the credential and its limits.

The receiver holds the rights to revoke; the detector holds none. Under 20 KB whatever the log contained, because
texts that a caller chose are cut.
"""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from detector.alert import Alert
from detector.errors import ConfigError
from detector.response.actions.base import Action, Plan, action_id, evidence_hash
from detector.settings import ResponseSettings

EVENT_TYPE: Final = "detector.credential.revoke.requested"
MAX_BODY: Final = 20_000  # bytes; Standard Webhooks asks for thin payloads
_LONGEST: Final = 256  # characters of a text that a caller may have chosen
_REASONS: Final = 3
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Webhook(Action):
    """POST to `response.webhook.url`; the signature is made when it is sent, by whoever holds the secret."""

    name: ClassVar[str] = "webhook"

    def plan(self, alert: Alert, settings: ResponseSettings) -> Plan:
        """The request for this incident. Raises ConfigError when `response.webhook.url` is missing or unfit."""
        url = _checked(settings.webhook.url)
        identity = action_id(alert.incident_id, self.name)
        headers = (
            ("content-type", "application/json"),
            ("idempotency-key", identity),
            ("webhook-id", f"act_{identity}"),
            ("webhook-timestamp", "<set when sent>"),
            ("webhook-signature", "<unsigned>"),
        )
        return Plan(self.name, identity, "POST", url, headers, _body(alert, identity))


def _checked(url: str | None) -> str:
    parts = urlsplit(url or "")
    fits = parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
    if url is None or not fits or parts.username is not None:
        found = "none" if url is None else "a URL that does not fit"
        raise ConfigError(
            f"response.webhook.url: expected https://HOST/… without a user name, found {found}; "
            "set it with DETECTOR__RESPONSE__WEBHOOK__URL"
        )
    return url


def _body(alert: Alert, identity: str) -> bytes:
    credential, response, evidence = alert.credential, alert.response, alert.evidence
    return msgspec.json.encode(
        {
            "type": EVENT_TYPE,
            "timestamp": alert.time,
            "data": {
                "action_id": identity,
                "incident_id": alert.incident_id,
                "alert_id": alert.id,
                "severity": alert.severity,
                "confidence": alert.confidence,
                "detections": alert.detections[:20],
                "realm": _cut(alert.realm),
                "credential": {
                    "id": _cut(credential.id),
                    "kind": credential.kind,
                    "principal": _cut(credential.principal),
                },
                "recommended": response.recommended,
                "handle": _cut(response.handle),
                "blast_radius": response.blast_radius,
                "active_credentials": response.active_credentials,
                "reversible": response.reversible,
                "survives": response.survives,
                "reasons": [
                    {"facet": r.facet, "observed": _cut(r.observed), "expected": _cut(r.expected)}
                    for r in alert.reasons[:_REASONS]
                ],
                "evidence": {
                    "hash": f"sha256:{evidence_hash(alert)}",
                    "event_count": evidence.event_count,
                    "first_time": evidence.first_time,
                    "last_time": evidence.last_time,
                },
                "runbook_url": alert.runbook_url,
            },
        }
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
