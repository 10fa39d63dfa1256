"""Incidents: the one unit an analyst sees. One per principal, open until a day of inactivity, paged once.

A revision is issued only when severity or the set of evidence kinds changes, the count of uses doubles, or the
incident closes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from detector.alert import Severity
from detector.bundle import Bundle
from detector.decision.severity import confidence, impact, rank, severity
from detector.detections.base import Detection
from detector.domain import DAY, SECOND
from detector.fingerprint.hashing import short_id
from detector.scoring.episode import Candidate, Episode, Episodes

MOST_IDS = 100


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A documented exception for a credential until a time (microseconds), in the words of those who made it."""

    until: int
    words: str


@dataclass(slots=True)
class Incident:
    """A running incident. `uses` holds at most 100 candidates; `count` all of them. Times in microseconds."""

    id: str
    principal: int
    uses: list[Candidate]
    count: int
    first_time: int
    last_time: int
    confidence: float = 0.0
    impact: float = 0.0
    severity: Severity = "informational"
    paged: int = -1  # rank of the highest severity paged
    kinds: frozenset[str] = frozenset()
    fired: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    episode: Episode | None = None
    revision: int = -1
    announced: int = 0  # count at the last revision
    is_told: bool = False  # a revision of it went out
    verdict: str = ""
    close_reason: str = ""
    tolerance: Tolerance | None = None  # why it is not sent, as of its last use

    @property
    def holders(self) -> frozenset[int]:
        """Keys of the holders whose uses it holds."""
        return frozenset(use.holder for use in self.uses)

    def add(self, use: Candidate) -> None:
        """Take in one more use."""
        self.count += 1
        self.last_time = max(self.last_time, use.time)
        self.first_time = min(self.first_time, use.time)
        if len(self.uses) < MOST_IDS:
            self.uses.append(use)
        if use.credential not in self.credentials and len(self.credentials) < MOST_IDS:
            self.credentials.append(use.credential)


@dataclass(frozen=True, slots=True)
class Revision:
    """What happened to an incident: its state is read at once by the encoder of alerts."""

    incident: Incident
    status: Literal["new", "update", "closed"]
    deciding: Candidate
    is_page: bool

    @property
    def principal(self) -> int:
        """Key of the principal."""
        return self.incident.principal


class Incidents:
    """Open incidents by principal key, and the episodes they grow from.

    `sending` are the ids of detections that are not in shadow (None: all): an incident is told of, and paged, from the
    moment one of them fires on it. `inactivity` (microseconds) is how long one stays open without a use. `tolerated`
    are exceptions by credential: an incident of which every credential has one that still holds is not told of.
    """

    def __init__(
        self,
        bundle: Bundle,
        detections: Mapping[str, Detection],
        sending: Collection[str] | None = None,
        inactivity: int = DAY,
        tolerated: Mapping[str, Tolerance] | None = None,
    ) -> None:
        self._inactivity = inactivity
        self._before: dict[int, list[Candidate]] = {}  # candidates of an episode that has not become an incident
        self.episodes = Episodes(bundle)
        self.open: dict[int, Incident] = {}
        self.opened = 0
        self.decide_by(bundle, detections, sending, tolerated)

    def decide_by(
        self,
        bundle: Bundle,
        detections: Mapping[str, Detection],
        sending: Collection[str] | None = None,
        tolerated: Mapping[str, Tolerance] | None = None,
    ) -> None:
        """Take up another bundle and other detections and exceptions; what is open stays open."""
        self._prior = bundle.decision.prior
        self._queue = bundle.decision.tiers.queue
        self._detections = detections
        self._sending = frozenset(detections if sending is None else sending)
        self._tolerated = tolerated or {}
        self.episodes.decide_by(bundle)

    def observe(self, principal: int, use: Candidate) -> Revision | None:
        """Take in a candidate; the revision it causes, if any."""
        episode = self.episodes.observe(principal, use)
        incident = self.open.get(principal)
        if incident is None:
            return self._consider(principal, use, episode)
        incident.add(use)
        return self._revise(incident, use, episode)

    def _consider(self, principal: int, use: Candidate, episode: Episode) -> Revision | None:
        """Open an incident when the episode is strong enough and a detection stands behind it."""
        earlier = self._before.setdefault(principal, [])
        earlier[:] = [one for one in earlier if one.time >= episode.opened]
        if len(earlier) < MOST_IDS:
            earlier.append(use)
        fired = self._fired(episode)
        if confidence(episode.score, self._prior) < self._queue or not fired:
            return None
        opening = self._before.pop(principal)
        incident = Incident(
            id=short_id(use.realm, use.principal, use.native_id, use.use_index, use.time),
            principal=principal,
            uses=[],
            count=0,
            first_time=use.time,
            last_time=use.time,
        )
        for one in opening:
            incident.add(one)
        self.open[principal] = incident
        self.opened += 1
        return self._revise(incident, use, episode)

    def _fired(self, episode: Episode) -> list[str]:
        return [name for name, one in self._detections.items() if one.supported(episode)]

    def _revise(self, incident: Incident, use: Candidate, episode: Episode) -> Revision | None:
        fired = [name for name in self._fired(episode) if name not in incident.fired]
        incident.fired.extend(fired)
        incident.episode = (
            episode if incident.episode is None or episode.score >= incident.episode.score else incident.episode
        )
        incident.confidence = max(incident.confidence, confidence(episode.score, self._prior))
        incident.impact = max(incident.impact, impact(use.action))
        word = severity(incident.confidence, incident.impact)
        kinds = incident.kinds | episode.kinds()
        before, incident.tolerance = incident.tolerance, self._tolerance(incident)
        expired = before is not None and incident.tolerance is None
        changed = word != incident.severity or kinds != incident.kinds or bool(fired) or expired
        incident.severity, incident.kinds = word, kinds
        if not changed and incident.count < 2 * incident.announced:
            return None
        return self._announce(incident, use, "update" if incident.is_told else "new")

    def _tolerance(self, incident: Incident) -> Tolerance | None:
        """The exception that ends first, if each credential has one that holds at the last use."""
        if not self._tolerated or len(incident.credentials) == MOST_IDS:  # there may be more than are listed
            return None
        found = [self._tolerated.get(credential) for credential in incident.credentials]
        held = [one for one in found if one is not None and incident.last_time < one.until]
        return min(held, key=lambda one: one.until) if len(held) == len(found) else None

    def _announce(self, incident: Incident, use: Candidate, status: Literal["new", "update", "closed"]) -> Revision:
        incident.revision += 1
        incident.announced = incident.count
        sends = not self._sending.isdisjoint(incident.fired) and incident.tolerance is None
        is_page = sends and status != "closed" and rank(incident.severity) > incident.paged
        incident.paged = max(incident.paged, rank(incident.severity)) if is_page else incident.paged
        incident.is_told = incident.is_told or sends
        return Revision(incident, status, use, is_page)

    def judge(
        self, incident_id: str, verdict: Literal["confirm", "benign"], reason: str, author: str
    ) -> Revision | None:
        """Take in an analyst's verdict; the revision it causes. None when no such incident is open.

        `benign` closes the incident and forgets its episode: what comes next is judged anew.
        """
        found = next((key for key, one in self.open.items() if one.id == incident_id), None)
        if found is None:
            return None
        incident = self.open[found]
        incident.verdict = "confirmed" if verdict == "confirm" else "benign"
        if verdict == "confirm":
            return self._announce(incident, incident.uses[-1], "update" if incident.is_told else "new")
        incident.close_reason = f"benign, says {author}: {reason}"
        del self.open[found]
        self.episodes.open.pop(found, None)
        return self._announce(incident, incident.uses[-1], "closed")

    def close(self, watermark: int) -> list[Revision]:
        """At an epoch's close: incidents without activity end, in order of their ids."""
        self.episodes.expire(watermark)
        for principal in [key for key in self._before if key not in self.episodes.open]:
            del self._before[principal]
        quiet = [key for key, one in self.open.items() if one.last_time + self._inactivity < watermark]
        ended = sorted((self.open.pop(key) for key in quiet), key=lambda incident: incident.id)
        for incident in ended:
            incident.close_reason = f"inactive for {_span(self._inactivity)}"
        return [self._announce(incident, incident.uses[-1], "closed") for incident in ended]

    def digest(self) -> str:
        """Digest of open episodes and incidents."""
        episodes = sorted(
            (key, one.opened, one.kind, *one.components, *sorted(one.actions))
            for key, one in self.episodes.open.items()
        )
        incidents = sorted(
            (one.id, one.revision, one.count, one.severity, one.verdict, *one.fired) for one in self.open.values()
        )
        before = sorted((key, len(uses)) for key, uses in self._before.items())
        return short_id(episodes, incidents, before)


def _span(microseconds: int) -> str:
    seconds = microseconds // SECOND
    return f"{seconds // 3600} h" if seconds >= 7200 else f"{seconds} s"
