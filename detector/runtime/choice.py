"""Which detections are evaluated, and which alerts are sent: one answer for `scan`, `run` and the demo.

A detection in shadow is evaluated and counted; an incident on which nothing else fired is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detector.alert import Alert
from detector.detections.base import Detection, Metadata
from detector.settings import Mode, Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """`detections` by id are those that are not off; `sending` are the ids of those that are not in shadow either."""

    detections: Mapping[str, Detection]
    sending: frozenset[str]

    def sends(self, alert: Alert) -> bool:
        """Whether the alert goes out: one of the detections that fired is not in shadow.

        What has fired on an incident only grows, so an incident that was sent once is sent from then on.
        """
        return not self.sending.isdisjoint(alert.detections)


def choose(settings: Settings, known: Mapping[str, Detection]) -> Choice:
    """What the settings make of the `known` detections (by id)."""
    modes = {name: mode_of(settings, detection.metadata) for name, detection in known.items()}
    return Choice(
        detections={name: detection for name, detection in known.items() if modes[name] != "off"},
        sending=frozenset(name for name, mode in modes.items() if mode == "alert"),
    )


def mode_of(settings: Settings, metadata: Metadata) -> Mode:
    """What the settings say; where they say nothing, a detection of status `shadow` is in shadow and others alert."""
    return settings.mode(metadata.id) or ("shadow" if metadata.status == "shadow" else "alert")
