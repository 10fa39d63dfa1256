"""The path on one screen: uses in, alerts out. Synchronous; no I/O, no clock.

    stream -> sources -> fingerprint -> state + scoring -> detections -> decision -> sinks, response

A `Pipeline` is one shard, the part that `detect` runs for each partition of uses. What it says is a function of the
rows in their order, the bundle and the configuration, and of nothing else: batches may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

import numpy as np

from detector import control
from detector.alert import Alert
from detector.bundle import Bundle
from detector.control import Config, Control, Feedback, Model, Revoked
from detector.decision.alerts import AlertBuilder
from detector.decision.candidates import CandidateReader
from detector.decision.incidents import Incidents, Revision, Tolerance
from detector.detections.base import Detection
from detector.domain import SECOND, Activity, StringTable, UseBatch, UseRow
from detector.errors import BlockError, RecordError
from detector.fingerprint.facets import ACTION, ADDRESS, CLIENT, FAMILY, PREFIX, PROVIDER, Facets, Fingerprinter
from detector.fingerprint.hashing import short_id
from detector.records import event_time
from detector.scoring.episode import Candidate, Episode
from detector.scoring.scorer import Scorer
from detector.state.epochs import Timing
from detector.state.shard import Limits, Shard


@dataclass(frozen=True, slots=True)
class Emission:
    """An alert, and why it is withheld: only detections in shadow have fired on its incident, or it is tolerated."""

    alert: Alert
    withheld: Literal["", "shadow", "tolerated"] = ""

    @property
    def sends(self) -> bool:
        """Whether it goes out."""
        return not self.withheld


@dataclass(slots=True)
class Counts:
    """What a shard did. `resent` and `redelivered` rows were dropped; `scored` rows were compared with a profile."""

    rows: int = 0
    accepted: int = 0
    resent: int = 0
    redelivered: int = 0
    scored: int = 0
    epochs: int = 0
    candidates: int = 0
    incidents: int = 0
    evicted: int = 0
    ticks: int = 0
    controls: int = 0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What decides besides rows and bundle.

    `detections` are all that are known, by id; `evaluated` those that are not off, `sending` those of them that are
    not in shadow. What is switched off while an incident is open has still fired on it. `tolerated` are exceptions by
    credential.
    """

    detections: Mapping[str, Detection]
    evaluated: frozenset[str]
    sending: frozenset[str]
    digest: str = ""
    tolerated: Mapping[str, Tolerance] = field(default_factory=dict)

    @classmethod
    def of(cls, detections: Mapping[str, Detection], digest: str = "") -> Self:
        """All of these, none in shadow."""
        return cls(detections, frozenset(detections), frozenset(detections), digest)

    @property
    def active(self) -> dict[str, Detection]:
        """The detections that are evaluated."""
        return {name: one for name, one in self.detections.items() if name in self.evaluated}


class Switches(Protocol):
    """Where a control row's bundle and modes come from: loaded at the rim, for there is no I/O here."""

    def bundle(self, name: str, digest: str) -> Bundle:
        """The bundle of that name. Raises ConfigError when it is not here or has another digest."""

    def configuration(self, modes: Mapping[str, str]) -> Configuration:
        """The configuration with these modes (id → mode) on top of the settings. Raises ConfigError."""


class Pipeline:
    """One shard: remembers, scores, decides. Without `switches` no control row changes bundle or configuration.

    `watch` is shown every candidate and the episode it stands in, alert or not: an evaluation looks below thresholds.
    """

    def __init__(
        self,
        bundle: Bundle,
        configuration: Configuration,
        *,
        timing: Timing | None = None,
        limits: Limits | None = None,
        switches: Switches | None = None,
        watch: Callable[[Candidate, Episode], None] | None = None,
    ) -> None:
        self.counts = Counts()
        self._watch = watch
        timing = timing or Timing()
        self._bundle = bundle
        self._configuration = configuration
        self._switches = switches
        self._fingerprint = Fingerprinter()
        self._shard = Shard(limits or Limits(), timing)
        self._incidents = Incidents(bundle, configuration.active, inactivity=timing.inactivity)
        self._take_up()

    def process(self, batch: UseBatch) -> list[Emission]:
        """Take in rows; the alerts they cause, in order."""
        batch = self._accept(batch)
        emissions: list[Emission] = []
        start = 0
        for at in np.flatnonzero(batch.activity == Activity.CONTROL).tolist():
            emissions += self._process(batch.take(slice(start, at)))
            emissions += self._obey(_said(batch.text("resource", at)))
            start = at + 1
        emissions += self._process(batch.take(slice(start, None)) if start else batch)
        self.counts.evicted = self._shard.evicted
        self.counts.incidents = self._incidents.opened
        return emissions

    @property
    def principals(self) -> int:
        """Principals with a profile."""
        return len(self._shard.principals)

    @property
    def credentials(self) -> int:
        """Credentials known."""
        return len(self._shard.credentials)

    @property
    def watermark(self) -> int:
        """How far event time has come, in microseconds."""
        return self._shard.watermark.value

    def digest(self) -> str:
        """Digest of everything remembered: equal for equal rows, however they were cut."""
        return short_id(self._shard.digest().hex(), self._incidents.digest(), self._bundle.digest)

    def _accept(self, batch: UseBatch) -> UseBatch:
        """Drop what was re-sent after a crash, and what upstream delivered twice. Ticks are never repeats."""
        ticks = batch.activity == Activity.TICK
        plain = batch.take(~ticks) if ticks.any() else batch
        self.counts.rows += len(plain)
        self.counts.ticks += len(batch) - len(plain)
        fresh = self._shard.positions.fresh(plain)
        new = self._shard.redeliveries.fresh(plain if fresh.all() else plain.take(fresh))
        self.counts.resent += int(len(fresh) - fresh.sum())
        self.counts.redelivered += int(len(new) - new.sum())
        self.counts.accepted += int(new.sum())
        fresh[fresh] = new
        if fresh.all():
            return batch
        kept = ticks.copy()
        kept[~ticks] = fresh
        return batch.take(kept)

    def _process(self, batch: UseBatch) -> list[Emission]:
        """Accepted uses and ticks: cut into epochs, scored, and learnt from at each close."""
        emissions: list[Emission] = []
        facets = self._fingerprint.facets(batch)
        counted = batch.activity != Activity.TICK
        watermark = self._shard.watermark.advance(batch)
        for part, closes in self._shard.epochs.cut(watermark, counted):
            rows = part if counted[part].all() else part.start + np.flatnonzero(counted[part])
            emissions += self._observe(batch.take(rows), facets.take(rows))
            if closes:
                emissions += self._close(int(watermark[part.stop - 1]))
        return emissions

    def _observe(self, batch: UseBatch, facets: Facets) -> list[Emission]:
        """Score rows of one epoch and decide on the candidates among them, in order."""
        shard = self._shard
        codes = {
            PREFIX: facets.prefix_code,
            ADDRESS: batch.address,
            FAMILY: facets.family_code,
            CLIENT: facets.client_code,
            ACTION: batch.action,
            PROVIDER: batch.provider,
        }
        for level, column in codes.items():
            shard.lexicon.note(facets.value[:, level], column, batch.strings, shard.row)
        evidence = self._scorer.score(batch, facets, shard)
        reader = CandidateReader(batch, facets, evidence, shard)
        candidates = evidence.candidates(self._scorer.minimum)
        emissions = []
        for row in candidates.tolist():
            principal, candidate = int(facets.principal[row]), reader.read(row)
            revision = self._incidents.observe(principal, candidate)
            if self._watch is not None:
                self._watch(candidate, self._incidents.episodes.open[principal])
            if revision is not None:
                emissions.append(self._emit(revision))
        self.counts.scored += int(facets.scored.sum())
        self.counts.candidates += len(candidates)
        shard.note(batch, facets, evidence)
        return emissions

    def _close(self, watermark: int) -> list[Emission]:
        """Close the epoch: incidents first, then learning."""
        self.counts.epochs += 1
        ended = [self._emit(revision) for revision in self._incidents.close(watermark)]
        self._shard.close(set(self._incidents.open), watermark)
        return ended

    def _emit(self, revision: Revision) -> Emission:
        active = self._shard.credentials.active(revision.principal, revision.deciding.time // SECOND)
        alert = self._alerts.alert(revision, active)
        if self._configuration.sending.isdisjoint(alert.detections):
            return Emission(alert, "shadow")
        return Emission(alert, "tolerated" if revision.incident.tolerance is not None else "")

    # --- control rows ------------------------------------------------------------------------------------------------

    def _obey(self, said: Control) -> list[Emission]:
        """Do what a control row says, at its place."""
        self.counts.controls += 1
        match said:
            case Feedback():
                return self._feed_back(said)
            case Revoked():
                self._revoke(said)
            case Model() if self._switches is not None:
                self._bundle = self._switches.bundle(said.bundle, said.digest)
                self._take_up()
            case Config() if self._switches is not None:
                self._configuration = self._switches.configuration(said.detections)
                self._take_up()
        return []

    def _take_up(self) -> None:
        """Decide by the bundle and the configuration from here on; what is remembered stays."""
        self._scorer = Scorer(self._bundle)
        self._alerts = AlertBuilder(self._bundle, self._configuration.detections, self._configuration.digest)
        chosen = self._configuration
        self._incidents.decide_by(self._bundle, chosen.active, chosen.sending, chosen.tolerated)

    def _feed_back(self, said: Feedback) -> list[Emission]:
        """A verdict; a benign one ends the quarantine, so that the close it causes learns what the incident saw."""
        revision = self._incidents.judge(said.incident_id, said.verdict, said.reason, said.author)
        if revision is None:
            return []
        emissions = [self._emit(revision)]
        if revision.status == "closed":
            self._shard.contexts.trust(revision.incident.holders)
            self._shard.epochs.close()
            emissions += self._close(self._shard.watermark.value)
        return emissions

    def _revoke(self, said: Revoked) -> None:
        """The end of a credential, as if its log had said so."""
        row = UseRow(
            native_id="",
            source="control",
            time=event_time(said.time),
            realm=said.realm,
            principal=said.principal,
            credential=said.credential,
            activity=Activity.REVOKE,
        )
        batch = UseBatch.from_rows([row], StringTable())
        self._observe(batch, self._fingerprint.facets(batch))


def _said(record: str) -> Control:
    """The control record of a row. Ingest lets no other through, so a row without one was written by somebody else."""
    try:
        return control.decode(record)
    except RecordError as error:
        raise BlockError(f"expected control rows that hold control records, found: {error}") from error
