"""The path on one screen: uses in, alerts out. Synchronous; no I/O, no clock.

    stream -> sources -> fingerprint -> state + scoring -> detections -> decision -> sinks, response

A `Pipeline` is one shard, the part that `detect` runs for each partition of uses. What it says is a function of the
rows in their order, the bundle and the configuration, and of nothing else: batches may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from detector.alert import Alert
from detector.bundle import Bundle
from detector.decision.alerts import AlertBuilder
from detector.decision.candidates import CandidateReader
from detector.decision.incidents import Incidents, Revision
from detector.detections.base import Detection
from detector.domain import SECOND, UseBatch
from detector.fingerprint.facets import ADDRESS, CLIENT, FAMILY, PREFIX, Facets, Fingerprinter
from detector.fingerprint.hashing import short_id
from detector.scoring.scorer import Scorer
from detector.state.shard import Limits, Shard


@dataclass(frozen=True, slots=True)
class Emission:
    """An alert, and the position of the row that decided it."""

    alert: Alert
    raw_partition: int
    raw_offset: int


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


class Pipeline:
    """One shard: remembers, scores, decides. `sending` names the detections that are not in shadow (default: all)."""

    def __init__(
        self,
        bundle: Bundle,
        detections: Mapping[str, Detection],
        *,
        sending: Collection[str] | None = None,
        config_hash: str = "",
        limits: Limits | None = None,
    ) -> None:
        self.counts = Counts()
        self._fingerprint = Fingerprinter()
        self._shard = Shard(limits or Limits())
        self._scorer = Scorer(bundle)
        self._incidents = Incidents(bundle, detections, sending)
        self._alerts = AlertBuilder(bundle, detections, config_hash)

    def process(self, batch: UseBatch) -> list[Emission]:
        """Take in rows; the alerts they cause, in order."""
        batch = self._accept(batch)
        facets = self._fingerprint.facets(batch)
        emissions: list[Emission] = []
        watermark = self._shard.watermark.advance(batch)
        for part, closes in self._shard.epochs.cut(watermark):
            rows = batch.take(part)
            emissions += self._observe(rows, facets.take(part))
            if closes:
                emissions += self._close(rows, int(watermark[part.stop - 1]))
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

    def digest(self) -> str:
        """Digest of everything remembered: equal for equal rows, however they were cut."""
        return short_id(self._shard.digest().hex(), self._incidents.digest())

    def _accept(self, batch: UseBatch) -> UseBatch:
        """Drop what was re-sent after a crash, and what upstream delivered twice."""
        self.counts.rows += len(batch)
        fresh = self._shard.positions.fresh(batch)
        self.counts.resent += int(len(batch) - fresh.sum())
        batch = batch if fresh.all() else batch.take(fresh)
        new = self._shard.redeliveries.fresh(batch)
        self.counts.redelivered += int(len(batch) - new.sum())
        batch = batch if new.all() else batch.take(new)
        self.counts.accepted += len(batch)
        return batch

    def _observe(self, batch: UseBatch, facets: Facets) -> list[Emission]:
        """Score rows of one epoch and decide on the candidates among them, in order."""
        shard = self._shard
        codes = {
            PREFIX: facets.prefix_code,
            ADDRESS: batch.address,
            FAMILY: facets.family_code,
            CLIENT: facets.client_code,
        }
        for level, column in codes.items():
            shard.lexicon.note(facets.value[:, level], column, batch.strings, shard.row)
        evidence = self._scorer.score(batch, facets, shard)
        reader = CandidateReader(batch, facets, evidence, shard)
        candidates = evidence.candidates(self._scorer.minimum)
        emissions = []
        for row in candidates.tolist():
            revision = self._incidents.observe(int(facets.principal[row]), reader.read(row))
            if revision is not None:
                emissions.append(self._emit(revision, batch, row))
        self.counts.scored += int(facets.scored.sum())
        self.counts.candidates += len(candidates)
        shard.note(batch, facets, evidence)
        return emissions

    def _close(self, batch: UseBatch, watermark: int) -> list[Emission]:
        """Close the epoch that ends with the last row of `batch`: incidents first, then learning."""
        self.counts.epochs += 1
        ended = [self._emit(revision, batch, len(batch) - 1) for revision in self._incidents.close(watermark)]
        self._shard.close(set(self._incidents.open), watermark)
        return ended

    def _emit(self, revision: Revision, batch: UseBatch, row: int) -> Emission:
        active = self._shard.credentials.active(revision.principal, revision.deciding.time // SECOND)
        return Emission(self._alerts.alert(revision, active), int(batch.raw_partition[row]), int(batch.raw_offset[row]))
