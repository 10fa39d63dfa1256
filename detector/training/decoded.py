"""A simulated tenant as the detector gets it: bytes read by the sources, in order of arrival across its logs.

Only bytes, arrival times and the name of the log reach a method; truth is joined later, by native id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector import sources
from detector.assets import Assets
from detector.decode import Decoder, RawRecord
from detector.domain import SECOND, StringTable, UseBatch
from detector.enrichment import Enricher
from detector.fingerprint.facets import SERVICE, Fingerprinter
from detector.registry import members
from detector.simulate.arrivals import Record
from detector.sources.base import Source
from detector.training.uses import Uses, dense

_SLICE: Final = 4096


@dataclass(frozen=True, slots=True)
class Decoded:
    """One tenant's rows in order of arrival; `rejected` records could not be read."""

    batch: UseBatch
    rejected: int

    def slices(self, size: int = _SLICE) -> Iterator[UseBatch]:
        """The rows as micro-batches."""
        for start in range(0, len(self.batch), size):
            yield self.batch.take(slice(start, start + size))

    def enriched(self, assets: Assets) -> Decoded:
        """The same rows with what `assets` say of them; these here stay bare."""
        batch = self.batch.take(slice(None))
        Enricher(assets).enrich(batch)
        return Decoded(batch, self.rejected)


def decode(records: Iterable[Record]) -> Decoded:
    """Read `records`, which are in order of arrival, with the source that the name of their log says."""
    known = {name: source() for name, source in members(sources, Source).items()}
    strings = StringTable()
    by_log: dict[str, list[RawRecord]] = {}
    for at, record in enumerate(records):  # one raw partition: a tenant's logs as one topic carries them
        by_log.setdefault(record.log, []).append(RawRecord(record.data, record.log, at, 0, record.arrival))
    parts, rejected = [], 0
    for log, raw in by_log.items():
        source, _, realm = log.partition(".")
        decoder = Decoder(known, format=source, realm=realm or "unknown")
        for start in range(0, len(raw), _SLICE):
            part, dead = decoder.decode(raw[start : start + _SLICE], strings)
            parts.append(part)
            rejected += len(dead)
    batch = UseBatch.concat(parts, strings)
    return Decoded(batch.take(np.lexsort((batch.row, batch.raw_offset))), rejected)


def uses_of(decoded: Decoded) -> Uses:
    """The scored uses as columns for baselines; their providers are known where the rows are enriched."""
    facets = Fingerprinter().facets(decoded.batch)
    rows = np.flatnonzero(facets.scored)
    batch = decoded.batch.take(rows)
    found, provider = np.unique(batch.provider, return_inverse=True)
    providers = [batch.strings.texts[code] for code in found.tolist()]
    if "" not in providers:
        providers, provider = ["", *providers], provider + 1
    strings = batch.strings

    def codes(*columns: np.ndarray[tuple[int], np.dtype[np.generic]]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Dense codes of a combination; 0 where the last column is unknown."""
        key = columns[0].astype(np.uint64)
        for column in columns[1:]:
            key = key * np.uint64(0x9E3779B97F4A7C15) + column.astype(np.uint64)
        return np.where(columns[-1] != 0, dense(key), 0).astype(np.int32)

    vpce = np.fromiter((text.startswith("vpce:") for text in strings.texts), np.bool_, len(strings))
    return Uses(
        native_id=tuple(batch.native_id.tolist()),
        second=batch.time // SECOND,
        realm=codes(batch.realm),
        principal=codes(batch.realm, batch.principal),
        credential=codes(batch.realm, batch.principal, batch.credential),
        kind=batch.kind.astype(np.int32),
        address=codes(batch.address),
        prefix=codes(facets.prefix_code[rows]),
        provider=provider.astype(np.int32),
        endpoint=vpce[batch.channel],
        client=codes(batch.client),
        family=codes(facets.family_code[rows]),
        region=codes(batch.region),
        action=codes(batch.action),
        service=codes(facets.value[rows, SERVICE]),
        resource=codes(batch.resource),
        outcome=batch.outcome.astype(np.int32),
        providers=tuple(providers),
    )
