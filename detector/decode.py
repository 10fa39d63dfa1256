"""Raw records into a batch of uses: transport undone, format found, each logged record read by its source.

Pure: no I/O, no clock. What a record becomes depends on its own bytes only, never on its neighbours: the format
found for a batch decides which source is *tried* first, and formats exclude each other.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from detector.domain import StringTable, UseBatch, UseRow
from detector.envelopes import DEPTH_LIMIT, payload, unwrap
from detector.errors import RecordError, UsageError
from detector.records import RECORD_LIMIT
from detector.sources.base import Rejected, Source

AUTO: Final = "auto"
_PROBES: Final = 16  # records looked at to find the format of a batch

Path = tuple[int, ...]  # the place of a record in a batch: index of the raw record, then index inside each envelope


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """Bytes as they arrived and where they stood: partition and offset, or file and line (or number of the record).

    `append_time` is the broker's timestamp in microseconds since 1970, 0 in files.
    """

    value: bytes
    stream: str
    offset: int
    partition: int = 0
    append_time: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that gave no use: where it stood, why, and a hash to find it again. Never its bytes.

    `record` is the index inside its envelope (0 when there was none), `reason` one of `detector.records.REASONS`,
    `digest` the first 32 hexadecimal digits of the SHA-256 of the `size` bytes that were refused, empty when they
    were too many to be held at once.
    """

    stream: str
    offset: int
    record: int
    reason: str
    detail: str
    digest: str
    size: int


def dead_letter(
    stream: str, offset: int, value: bytes, error: RecordError, *, record: int = 0, size: int | None = None
) -> DeadLetter:
    """The dead letter of `value`, which failed with `error`; empty, with its `size`, when it was never held."""
    digest = hashlib.sha256(value).hexdigest()[:32] if value else ""
    return DeadLetter(stream, offset, record, error.reason, error.detail, digest, len(value) if size is None else size)


def native_id(record: bytes) -> str:
    """The id of a record that carries none: 26 characters of base32 of the SHA-256 of its bytes."""
    return base64.b32encode(hashlib.sha256(record).digest()).decode("ascii")[:26].lower()


@dataclass(slots=True)
class _Work:
    """Records of one round with the path of each."""

    values: list[bytes] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    def add(self, value: bytes, path: Path) -> None:
        self.values.append(value)
        self.paths.append(path)


@dataclass(slots=True)
class _Result:
    """What came of a batch: rows with the path of their record, and refused records with theirs."""

    rows: list[UseRow] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, bytes, RecordError]] = field(default_factory=list)

    def refuse(self, path: Path, value: bytes, reason: str, detail: str) -> None:
        self.refused.append((path, value, RecordError(reason, detail)))


class Decoder:
    """Raw records → uses, for the given sources (name → source).

    `format` forces one of them; `auto` finds it. `realm` is used where a record names none.
    Raises UsageError when `format` is not a source.
    """

    def __init__(self, sources: Mapping[str, Source], *, format: str = AUTO, realm: str = "unknown") -> None:  # noqa: A002 - the word of the command line
        if format != AUTO and format not in sources:
            raise UsageError(f"unknown format {format!r}: expected {AUTO} or one of {', '.join(sorted(sources))}")
        self._sources = [sources[name] for name in (sorted(sources) if format == AUTO else [format])]
        self._realm = realm

    def decode(
        self, records: Sequence[RawRecord], strings: StringTable | None = None
    ) -> tuple[UseBatch, list[DeadLetter]]:
        """The uses of `records` in their order, and what could not be read. Never raises for a bad record."""
        result = _Result()
        work = _opened(records, result)
        for _ in range(DEPTH_LIMIT + 1):
            if not work.values:
                break
            work = self._read(work, result)
        for value, path in zip(work.values, work.paths, strict=True):
            result.refuse(path, value, "too_deep", f"expected at most {DEPTH_LIMIT} envelopes around a record")
        dead = []
        for path, value, error in sorted(result.refused, key=lambda refused: refused[0]):
            raw, inner = records[path[0]], path[-1] if len(path) > 1 else 0
            dead.append(dead_letter(raw.stream, raw.offset, value, error, record=inner))
        return _batch(records, result, strings if strings is not None else StringTable()), dead

    def _read(self, work: _Work, result: _Result) -> _Work:
        """One round: rows and refusals go to `result`; what was inside envelopes is returned for the next round."""
        source, opened = self._likely(work.values), _Work()
        for rejected in _read_with(source, work, self._realm, result):
            value, path = work.values[rejected.index], work.paths[rejected.index]
            owner = next((other for other in self._sources if other.recognises(value)), None)
            if owner is source:
                result.refuse(path, value, rejected.reason, rejected.detail)
            elif owner is not None:
                for final in _read_with(owner, _Work([value], [path]), self._realm, result):
                    result.refuse(path, value, final.reason, final.detail)
            else:
                self._unwrap(path, value, rejected, opened, result)
        return opened

    def _likely(self, values: Sequence[bytes]) -> Source:
        """The source that recognises one of the first records: the one to try first."""
        if len(self._sources) > 1:
            for value in values[:_PROBES]:
                for source in self._sources:
                    if source.recognises(value):
                        return source
        return self._sources[0]

    def _unwrap(self, path: Path, value: bytes, rejected: Rejected, opened: _Work, result: _Result) -> None:
        """A record that no source recognises: an envelope, or dead."""
        try:
            inner = unwrap(value)
        except RecordError as error:
            result.refuse(path, value, error.reason, error.detail)
            return
        if inner is not None:
            for index, record in enumerate(inner):
                opened.add(record, (*path, index))
        elif len(self._sources) == 1 or len(value) > RECORD_LIMIT:
            result.refuse(path, value, rejected.reason, rejected.detail)
        else:
            names = ", ".join(source.name for source in self._sources)
            result.refuse(path, value, "unknown_format", f"expected a record of one of: {names}")


def _read_with(source: Source, work: _Work, realm: str, result: _Result) -> list[Rejected]:
    """Read with one source: rows go to `result`, what it refuses is returned."""
    reading = source.read(work.values, realm)
    rows, values, paths = reading.rows, work.values, work.paths
    if not all(row.native_id for row in rows):
        rows = [
            row if row.native_id else row._replace(native_id=native_id(values[at]))
            for row, at in zip(rows, reading.record, strict=True)
        ]
    result.rows += rows
    result.paths += [paths[at] for at in reading.record]
    return reading.rejected


def _opened(records: Sequence[RawRecord], result: _Result) -> _Work:
    """The payloads of all records; those whose transport is damaged are refused."""
    work = _Work()
    for index, record in enumerate(records):
        try:
            work.add(payload(record.value), (index,))
        except RecordError as error:
            result.refuse((index,), record.value, error.reason, error.detail)
    return work


def _batch(records: Sequence[RawRecord], result: _Result, strings: StringTable) -> UseBatch:
    """The rows in record order, with their positions."""
    order = sorted(range(len(result.rows)), key=result.paths.__getitem__)
    batch = UseBatch.from_rows([result.rows[at] for at in order], strings)
    if not order:
        return batch
    raw = np.array([result.paths[at][0] for at in order], np.intp)
    batch.ref_stream = np.array(strings.codes([record.stream for record in records]), np.int32)[raw]
    batch.ref_offset = np.array([record.offset for record in records], np.int64)[raw]
    batch.raw_offset = batch.ref_offset
    batch.raw_partition = np.array([record.partition for record in records], np.int64)[raw]
    batch.append_time = np.array([record.append_time for record in records], np.int64)[raw]
    first = np.flatnonzero(np.diff(raw, prepend=-1))
    batch.row = (np.arange(len(raw)) - np.repeat(first, np.diff(first, append=len(raw)))).astype(np.int32)
    return batch
