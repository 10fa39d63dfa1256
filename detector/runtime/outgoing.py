"""An alert as a record of the alerts topic: keyed by incident, attributes as CloudEvents headers (binary mode)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from detector.alert import Alert, encode
from detector.stream.base import OutgoingRecord

EVENT_TYPE: Final = "detector.alert.1"


def outgoing(topic: str, alert: Alert) -> OutgoingRecord:
    """The record of one alert revision in the topic of alerts.

    `ce_id` is the alert's id: consumers drop repeats by it. `ce_source` is the realm and `ce_subject` the principal,
    both percent-encoded, since CloudEvents wants a URI reference and a realm is whatever a log says.
    """
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": alert.id,
        "ce_type": EVENT_TYPE,
        "ce_source": _uri(alert.realm),
        "ce_time": alert.time,
        "ce_subject": _uri(alert.credential.principal),
        "content-type": "application/json",
    }
    headers = tuple((name, value.encode()) for name, value in attributes.items() if value)
    return OutgoingRecord(topic, encode(alert), key=alert.incident_id.encode(), headers=headers)


def _uri(text: str) -> str:
    return quote(text, safe="/:@=,+-._~", errors="replace")
