"""Action: the exact request that would contain a stolen credential. Planning is pure; sending is another job."""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from detector.alert import Alert
from detector.settings import ResponseSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """One HTTP request, complete but for its signature and the time of sending.

    `action_id` is the same for every plan of one action on one incident: the receiver's key against doing it twice.
    """

    action: str
    action_id: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def render(self) -> str:
        """The request as a person reads it. Of the URL only scheme and host are shown: the rest may be a secret."""
        parts = urlsplit(self.url)
        shown = f"{parts.scheme}://{parts.hostname}/(path not shown)"
        lines = [f"{self.method} {shown}", *(f"{name}: {value}" for name, value in self.headers), ""]
        return "\n".join((*lines, msgspec.json.format(self.body, indent=2).decode()))


class Action(ABC):
    """A way to contain a credential. `name` is the file name and the config key."""

    name: ClassVar[str]

    @abstractmethod
    def plan(self, alert: Alert, settings: ResponseSettings) -> Plan:
        """The request for this incident. Opens no connection, reads no clock: the same alert gives the same plan.

        Raises ConfigError when a setting that the request needs is missing or unfit.
        """


def action_id(incident_id: str, action: str) -> str:
    """32 characters (base 32, lower case) that name one action on one incident."""
    digest = hashlib.sha256(msgspec.json.encode((incident_id, action))).digest()
    return base64.b32encode(digest[:20]).decode().lower()


def evidence_hash(alert: Alert) -> str:
    """What an approval is bound to: SHA-256 (hex) of the credential and the evidence this revision rests on."""
    decisive = (alert.incident_id, alert.credential, alert.detections, alert.evidence, alert.reasons)
    return hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()
