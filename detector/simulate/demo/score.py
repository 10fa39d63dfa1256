"""Alerts against the truth: which thefts were found, how soon, and how many incidents were false."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from detector.alert import Alert
from detector.simulate.demo.attacks import Theft
from detector.simulate.demo.fleet import Truth


@dataclass(frozen=True, slots=True)
class Found:
    """A theft that was found: the first alert that rests on a malicious use, and the last one of that incident.

    `uses` counts the malicious uses made up to the first alert (1 = the first), `seconds` the event time since then.
    """

    theft: Theft
    first: Alert
    last: Alert
    uses: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Score:
    """`incidents` counts all; `false` lists the first alert of each incident that began without a malicious use."""

    found: tuple[Found, ...]
    missed: tuple[Theft, ...]
    false: tuple[Alert, ...]
    incidents: int


def score(truth: Truth, alerts: Sequence[Alert]) -> Score:
    """Join `alerts` (all revisions, in order of emission) with the truth by event id.

    An incident that paged before a theft and met it later is false *and* finds the theft: somebody was woken for
    nothing, and the theft was told as a revision.
    """
    opening: dict[str, Alert] = {}
    for alert in alerts:
        opening.setdefault(alert.incident_id, alert)
    found = tuple(match for theft in truth.thefts if (match := _found(theft, alerts)))
    told = [match.theft for match in found]
    malicious = truth.malicious
    return Score(
        found=found,
        missed=tuple(theft for theft in truth.thefts if theft not in told),
        false=tuple(alert for alert in opening.values() if malicious.isdisjoint(alert.evidence.event_ids)),
        incidents=len(opening),
    )


def _found(theft: Theft, alerts: Sequence[Alert]) -> Found | None:
    stolen = set(theft.event_ids)
    first = next((alert for alert in alerts if not stolen.isdisjoint(alert.evidence.event_ids)), None)
    if first is None:
        return None
    last = next(alert for alert in reversed(alerts) if alert.incident_id == first.incident_id)
    second = int(datetime.fromisoformat(first.time).timestamp())
    return Found(theft, first, last, bisect_right(theft.seconds, second), second - theft.first_malicious)
