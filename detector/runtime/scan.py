"""Files through the whole path in one process: what `scan` runs. Deterministic, synchronous, bounded memory.

Logs are decoded as they are read, put into the order of event time, cut into batches and decided on by one pipeline
per partition. Dumps of `uses` are decided on as they are. The sum of it is told in a `Summary`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from detector import sources
from detector.alert import Alert, Severity
from detector.decode import DeadLetter, Decoder, RawRecord
from detector.domain import Activity, UseBatch
from detector.enrichment import Enricher
from detector.pipeline import Emission, Pipeline
from detector.registry import members
from detector.routing import Router
from detector.runtime.choice import Choice
from detector.settings import Settings, SourceSettings
from detector.sources.base import Source
from detector.stream.block_files import BlockFile, find_block_files
from detector.stream.files import FileStream
from detector.stream.reorder import Reorder

_SUFFIXES: Final = re.compile(r"(\.(json|jsonl|ndjson|log))?(\.gz)?$")


@dataclass(slots=True)
class Summary:
    """What a scan saw so far.

    `events`: source → logged records that became uses; `uses`: rows read that state something of a credential, not
    ticks nor control rows; `decided`: rows of any kind the pipelines have had;
    `rejected`: reason → records; `alerts`: revisions that are sent; `incidents` that are sent, those in `shadow` and
    those that are `tolerated`: incident id → (strongest detection, severity) of its last revision. `addresses`: uses
    that have one; `without_provider`: those of them whose owner the assets do not know.
    """

    events: Counter[str] = field(default_factory=Counter)
    uses: int = 0
    decided: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    incidents: dict[str, tuple[str, Severity]] = field(default_factory=dict)
    shadow: dict[str, tuple[str, Severity]] = field(default_factory=dict)
    tolerated: dict[str, tuple[str, Severity]] = field(default_factory=dict)
    addresses: int = 0
    without_provider: int = 0

    def note_batch(self, batch: UseBatch) -> None:
        """Count the rows of a batch; the first use of a logged record stands for the record."""
        uses = batch.activity < Activity.TICK
        self.uses += int(uses.sum())
        addressed = uses & (batch.address != 0)
        self.addresses += int(addressed.sum())
        self.without_provider += int((addressed & (batch.provider == 0)).sum())
        codes, counts = np.unique(batch.source[uses & (batch.use_index == 0)], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            self.events[batch.strings[code]] += count

    def note(self, emission: Emission) -> None:
        """Count a revision; it replaces what is known of its incident."""
        alert = emission.alert
        known = (alert.detection, alert.severity)
        withheld = {"shadow": self.shadow, "tolerated": self.tolerated}
        for incidents in withheld.values():
            incidents.pop(alert.incident_id, None)
        if emission.withheld:
            withheld[emission.withheld][alert.incident_id] = known
            return
        self.alerts += 1
        self.incidents[alert.incident_id] = known


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk of input gave: alerts to send, in order, and the records that could not be read."""

    alerts: list[Alert]
    rejected: list[DeadLetter]


class Scan(ABC):
    """One pass over files. Iterate over `steps()` once; `summary` grows with it."""

    def __init__(self) -> None:
        self.summary = Summary()

    @abstractmethod
    def steps(self) -> Iterator[Step]:
        """Read everything; one step per chunk, empty ones too, so that progress can be shown.

        Raises InputError when a file cannot be read on.
        """

    @property
    @abstractmethod
    def done(self) -> float | None:
        """The part that is done, 0..1, as far as one can tell; None while reading from standard input."""

    @property
    @abstractmethod
    def principals(self) -> int:
        """Principals with a profile."""

    @property
    @abstractmethod
    def credentials(self) -> int:
        """Credentials known."""

    def _decided(self, rows: int, emissions: Sequence[Emission]) -> Step:
        """The step of `rows` rows of which the pipelines made `emissions`."""
        self.summary.decided += rows
        for emission in emissions:
            self.summary.note(emission)
        return Step([emission.alert for emission in emissions if emission.sends], [])


class LogScan(Scan):
    """Logs: their records are decoded and put into the order of event time.

    `pipelines` are the partitions: a use goes to the one that `router` names. `batch_size` cuts what a pipeline is
    given at a time, and changes nothing else. A file whose name, without its suffixes, is in `named` is decoded by
    that decoder instead.
    """

    def __init__(
        self,
        files: FileStream,
        decoder: Decoder,
        enricher: Enricher,
        pipelines: Sequence[Pipeline],
        router: Router,
        batch_size: int,
        named: Mapping[str, Decoder] | None = None,
    ) -> None:
        super().__init__()
        self.files = files
        self.pipelines = tuple(pipelines)
        self._decoder = decoder
        self._named = named or {}
        self._enricher = enricher
        self._router = router
        self._reorder = Reorder(rows=batch_size)
        self._bytes_read = 0

    def steps(self) -> Iterator[Step]:
        """As `Scan.steps`; no alert comes before a million rows are held, or all there are."""
        for chunk in self.files:
            batch, refused = self._decoder_of(chunk.records).decode(chunk.records, self._reorder.strings)
            self._enricher.enrich(batch)
            self.summary.note_batch(batch)
            self._bytes_read = chunk.bytes_read
            yield self._rejected(chunk.rejected + refused)
            for ordered in self._reorder.push(batch):
                yield self._decided(len(ordered), self._processed(ordered))
        for ordered in self._reorder.flush():
            yield self._decided(len(ordered), self._processed(ordered))

    def _decoder_of(self, records: Sequence[RawRecord]) -> Decoder:
        """How the file is read that `records` are all from."""
        name = Path(records[0].stream).name if records else ""
        return self._named.get(_SUFFIXES.sub("", name), self._decoder)

    @property
    def done(self) -> float | None:
        """Reading is one half of the work, deciding the other."""
        total, summary = self.files.total_bytes, self.summary
        if total is None:
            return None
        read = self._bytes_read / total if total else 1.0
        return read * (0.5 + 0.5 * summary.decided / summary.uses) if summary.uses else 0.5 * read

    @property
    def principals(self) -> int:
        """Of all partitions."""
        return sum(pipeline.principals for pipeline in self.pipelines)

    @property
    def credentials(self) -> int:
        """Of all partitions."""
        return sum(pipeline.credentials for pipeline in self.pipelines)

    def _rejected(self, letters: list[DeadLetter]) -> Step:
        self.summary.rejected.update(letter.reason for letter in letters)
        return Step([], letters)

    def _processed(self, batch: UseBatch) -> list[Emission]:
        if len(self.pipelines) == 1:
            return self.pipelines[0].process(batch)
        partition = self._router.partitions(batch)
        emissions: list[Emission] = []
        for number, pipeline in enumerate(self.pipelines):
            mine = partition == number
            if mine.any():
                emissions += pipeline.process(batch.take(mine))
        return emissions


class BlockScan(Scan):
    """Dumps of `uses`: each file is a partition, decided on by a pipeline of its own, its rows in the order they have.

    So it says of a dump what `run` said of the partitions. One pipeline is held at a time, the one of the file being
    read; `pipeline` makes the next.
    """

    def __init__(self, files: Sequence[BlockFile], pipeline: Callable[[], Pipeline], batch_size: int) -> None:
        super().__init__()
        self.files = tuple(files)
        self._pipeline = pipeline
        self._batch_size = batch_size
        self._principals = 0
        self._credentials = 0

    def steps(self) -> Iterator[Step]:
        """As `Scan.steps`, file after file."""
        for file in self.files:
            pipeline = self._pipeline()
            for batch in file.batches(self._batch_size):
                self.summary.note_batch(batch)
                yield self._decided(len(batch), pipeline.process(batch))
            self._principals += pipeline.principals
            self._credentials += pipeline.credentials

    @property
    def done(self) -> float | None:
        """The part of the bytes that is read."""
        sizes = [file.size for file in self.files if file.size is not None]
        if len(sizes) < len(self.files):
            return None
        return sum(file.bytes_read for file in self.files) / sum(sizes) if any(sizes) else 1.0

    @property
    def principals(self) -> int:
        """Of the files that are read; one that is in two files counts twice, for it has two profiles."""
        return self._principals

    @property
    def credentials(self) -> int:
        """Of the files that are read."""
        return self._credentials


def open_scan(settings: Settings, paths: Sequence[str], *, batch_size: int = 4096, partitions: int = 1) -> LogScan:
    """A scan of logs under `settings`: bundle, detections that are not off, and sources as they say.

    Where `source` says nothing, a file that is named like a raw topic is read as that topic is.

    Raises InputError (a path that names nothing), UsageError (an unknown format), ConfigError (bundle, assets).
    """
    files = FileStream(paths)
    known = {name: source() for name, source in members(sources, Source).items()}
    decoder = Decoder(known, format=settings.source.format, realm=settings.source.realm)
    raw = settings.kafka.raw if settings.source == SourceSettings() else {}
    named = {topic: Decoder(known, format=said.source, realm=said.realm) for topic, said in raw.items()}
    choice = Choice(settings)
    router = Router(partitions, settings.realms.merge, settings.realms.split)
    pipelines = [choice.pipeline() for _ in range(partitions)]
    return LogScan(files, decoder, Enricher(choice.assets), pipelines, router, batch_size, named)


def open_block_scan(settings: Settings, paths: Sequence[str], *, batch_size: int = 4096) -> BlockScan:
    """A scan of dumps of `uses`, each file one partition, under the settings that `run` has.

    Raises InputError (a path that names nothing), ConfigError (bundle, assets).
    """
    return BlockScan(find_block_files(paths), Choice(settings).pipeline, batch_size)
