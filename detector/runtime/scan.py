"""Files through the whole path in one process: what `scan` runs. Deterministic, synchronous, bounded memory.

Records are decoded as they are read, put into the order of event time, cut into batches and decided on by one
pipeline per partition. The sum of it is told in a `Summary`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from detector import sources
from detector.alert import Alert, Severity
from detector.bundle import load_bundle
from detector.decode import DeadLetter, Decoder
from detector.detections.base import load_detections
from detector.domain import UseBatch
from detector.pipeline import Pipeline
from detector.registry import members
from detector.resources import bundle_dir
from detector.runtime.choice import choose
from detector.settings import Settings
from detector.sources.base import Source
from detector.stream.files import FileStream
from detector.stream.reorder import Reorder


@dataclass(slots=True)
class Summary:
    """What a scan saw so far.

    `events`: source → logged records that became uses; `uses`: rows read, `decided`: rows the pipelines have had;
    `rejected`: reason → records; `alerts`: revisions that are sent; `incidents` that are sent, and those in `shadow`:
    incident id → (strongest detection, severity) of its last revision.
    """

    events: Counter[str] = field(default_factory=Counter)
    uses: int = 0
    decided: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    incidents: dict[str, tuple[str, Severity]] = field(default_factory=dict)
    shadow: dict[str, tuple[str, Severity]] = field(default_factory=dict)

    def note_batch(self, batch: UseBatch) -> None:
        """Count the rows of a batch; the first use of a logged record stands for the record."""
        self.uses += len(batch)
        codes, counts = np.unique(batch.source[batch.use_index == 0], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            self.events[batch.strings[code]] += count

    def note_alert(self, alert: Alert, *, sent: bool) -> None:
        """Count a revision; it replaces what is known of its incident."""
        known = (alert.detection, alert.severity)
        if not sent:
            self.shadow[alert.incident_id] = known
            return
        self.shadow.pop(alert.incident_id, None)
        self.alerts += 1
        self.incidents[alert.incident_id] = known


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk of input gave: alerts to send, in order, and the records that could not be read."""

    alerts: list[Alert]
    rejected: list[DeadLetter]


class Scan:
    """One pass over `files`. Iterate over `steps()` once; `summary` grows with it.

    `sends` says which alerts are given out and which are only counted. `pipelines` are the partitions: a use goes to
    the one its realm's hash names. `batch_size` cuts what a pipeline is given at a time, and changes nothing else.
    """

    def __init__(
        self,
        files: FileStream,
        decoder: Decoder,
        pipelines: Sequence[Pipeline],
        batch_size: int,
        sends: Callable[[Alert], bool],
    ) -> None:
        self.files = files
        self.pipelines = tuple(pipelines)
        self.summary = Summary()
        self._decoder = decoder
        self._sends = sends
        self._reorder = Reorder(rows=batch_size)
        self._bytes_read = 0

    def steps(self) -> Iterator[Step]:
        """Read everything; one step per chunk, empty ones too, so that progress can be shown.

        Raises InputError when a file cannot be read on.
        """
        for chunk in self.files:
            batch, refused = self._decoder.decode(chunk.records, self._reorder.strings)
            self.summary.note_batch(batch)
            self._bytes_read = chunk.bytes_read
            yield self._rejected(chunk.rejected + refused)
            for ordered in self._reorder.push(batch):
                yield self._decided(ordered)
        for ordered in self._reorder.flush():
            yield self._decided(ordered)

    @property
    def done(self) -> float | None:
        """The part that is done, 0..1, as far as one can tell; None while reading from standard input."""
        total, summary = self.files.total_bytes, self.summary
        if total is None:
            return None
        read = self._bytes_read / total if total else 1.0
        return read * (0.5 + 0.5 * summary.decided / summary.uses) if summary.uses else 0.5 * read

    @property
    def principals(self) -> int:
        """Principals with a profile."""
        return sum(pipeline.principals for pipeline in self.pipelines)

    @property
    def credentials(self) -> int:
        """Credentials known."""
        return sum(pipeline.credentials for pipeline in self.pipelines)

    def _rejected(self, letters: list[DeadLetter]) -> Step:
        self.summary.rejected.update(letter.reason for letter in letters)
        return Step([], letters)

    def _decided(self, batch: UseBatch) -> Step:
        alerts = list(self._decide(batch))
        self.summary.decided += len(batch)
        sent = [self._sends(alert) for alert in alerts]
        for alert, goes_out in zip(alerts, sent, strict=True):
            self.summary.note_alert(alert, sent=goes_out)
        return Step(list(compress(alerts, sent)), [])

    def _decide(self, batch: UseBatch) -> Iterator[Alert]:
        if len(self.pipelines) == 1:
            yield from (emission.alert for emission in self.pipelines[0].process(batch))
            return
        partition = batch.strings.hashes[batch.realm] % np.uint64(len(self.pipelines))
        for number, pipeline in enumerate(self.pipelines):
            mine = partition == number
            if mine.any():
                yield from (emission.alert for emission in pipeline.process(batch.take(mine)))


def open_scan(settings: Settings, paths: Sequence[str], *, batch_size: int = 4096, partitions: int = 1) -> Scan:
    """A scan of `paths` under `settings`: bundle, detections that are not off, and sources as they say.

    Raises InputError (a path that names nothing), UsageError (an unknown format), ConfigError (the bundle).
    """
    files = FileStream(paths)
    known = {name: source() for name, source in members(sources, Source).items()}
    decoder = Decoder(known, format=settings.source.format, realm=settings.source.realm)
    bundle = load_bundle(bundle_dir(settings.bundle))
    choice = choose(settings, load_detections())
    shards = [
        Pipeline(bundle, choice.detections, sending=choice.sending, config_hash=settings.digest)
        for _ in range(partitions)
    ]
    return Scan(files, decoder, shards, batch_size, choice.sends)
