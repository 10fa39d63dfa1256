"""Raw records into blocks for the partitions of `uses`: decoded by their topic's source, enriched, in order, routed.

Synchronous and without a broker: the part of ingest that a thread runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detector import sources
from detector.assets import known_assets
from detector.control import ControlSource
from detector.decode import DeadLetter, Decoder, RawRecord
from detector.domain import I64, Activity, StringTable, UseBatch
from detector.enrichment import Enricher
from detector.registry import members
from detector.routing import Router
from detector.runtime.reading import RawPartition
from detector.settings import Settings
from detector.sources.base import Source
from detector.stream import blocks
from detector.stream.base import Partition

SLICE: Final = 512  # records decoded between two chances of the event loop to run
MOST_TEXTS: Final = 200_000  # kept between batches, so that each text is met once

Block = tuple[int, bytes]  # partition of `uses`, value of a record


@dataclass(slots=True)
class Normalised:
    """One fetch: rows of each raw partition, and what could not be read."""

    parts: list[tuple[RawPartition, UseBatch]] = field(default_factory=list)
    rejected: list[DeadLetter] = field(default_factory=list)


class Normaliser:
    """Decodes, enriches and routes for the topics of `settings`; `uses` is the number of partitions to route to.

    Raises ConfigError when the assets cannot be used.
    """

    def __init__(self, settings: Settings, uses: int) -> None:
        kafka = settings.kafka
        known = {name: source() for name, source in members(sources, Source).items()}
        self._decoders: Mapping[str, Decoder] = {
            **{topic: Decoder(known, format=raw.source, realm=raw.realm) for topic, raw in kafka.raw.items()},
            kafka.control: Decoder({ControlSource.name: ControlSource()}, format=ControlSource.name),
        }
        self._enricher = Enricher(known_assets(settings.assets))
        self._uses = uses
        self._router = Router(uses, settings.realms.merge, settings.realms.split)
        self._by_realm = kafka.routing == "realm"
        self._strings = StringTable()

    def decode(self, partition: RawPartition, records: Sequence[RawRecord], into: Normalised) -> None:
        """Read some records of one raw partition, after those before them."""
        batch, rejected = self._decoders[partition.partition.topic].decode(records, self._strings)
        self._enricher.enrich(batch)
        batch.raw_partition = np.full(len(batch), partition.identity, np.int64)
        into.parts.append((partition, batch))
        into.rejected += rejected

    def encode(self, done: Normalised) -> list[Block]:
        """The rows as blocks, in the order in which their records were appended, as far as one fetch knows it."""
        batch = _merged(UseBatch.concat([part for _, part in done.parts], self._strings))
        control = batch.activity == Activity.CONTROL
        partition = self._route(batch)
        found: list[Block] = []
        for number in range(self._uses):
            mine = (partition == number) | control
            if mine.any():
                found += [(number, block) for block in blocks.encode(batch.take(mine))]
        if len(self._strings) > MOST_TEXTS:
            self._strings = StringTable()
        return found

    def _route(self, batch: UseBatch) -> I64:
        return self._router.partitions(batch) if self._by_realm else batch.raw_partition % self._uses


def slices(fetched: Mapping[Partition, list[RawRecord]]) -> Iterator[tuple[Partition, list[RawRecord]]]:
    """The records of a fetch, a few at a time."""
    for partition, records in fetched.items():
        for at in range(0, len(records), SLICE):
            yield partition, records[at : at + SLICE]


def _merged(batch: UseBatch) -> UseBatch:
    """Rows of several raw partitions in the order of their append times; each keeps its own order."""
    appended = batch.append_time.copy()
    for identity in np.unique(batch.raw_partition).tolist():
        mine = batch.raw_partition == identity
        appended[mine] = np.maximum.accumulate(appended[mine])  # a producer's clock may go back
    order = np.argsort(appended, kind="stable")
    return batch if (np.diff(order) > 0).all() else batch.take(order)
