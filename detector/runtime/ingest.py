"""ingest: raw records into blocks of uses, routed by realm. What it must remember is in its commits.

    fetch -> decode -> route -> encode -> write -> commit

Each row carries (raw partition, raw offset, row), and the rows of a raw partition are written in order, so what is
written again after a crash is recognised and dropped by detect: nothing is lost, nothing counts twice. Control records
go to every partition of `uses`. Ticks speak for raw partitions while they have no records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from detector.decode import RawRecord
from detector.domain import SECOND, StringTable, UseBatch
from detector.runtime.dead_letters import dead_record
from detector.runtime.normalise import Normalised, Normaliser, slices
from detector.runtime.reading import RawPartition, beginning
from detector.runtime.retrying import Retrying
from detector.runtime.signals import Stop
from detector.settings import RawTopic, Settings
from detector.stream import blocks
from detector.stream.base import Bounds, OutgoingRecord, Partition, RecordStream, RecordWriter
from detector.telemetry.events import BlocksWritten, CommitDone, Observer, RecordsRejected
from detector.telemetry.http import Health

COMMIT_SECONDS: Final = 0.25  # what a rebalance or a crash makes detect drop again
TICK_SECONDS: Final = (1.0, 10.0)  # between two ticks of a raw partition, at least and at most
_CONTROL: Final = RawTopic(source="control")


class Ingest:
    """A member of the group that reads the raw topics and the control topic of `settings`.

    `clock` (seconds since 1970) dates ticks. Stream and writer are started and closed by their owner.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stream: RecordStream,
        writer: RecordWriter,
        observe: Observer,
        health: Health,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kafka = settings.kafka
        self._settings = settings
        self._stream = stream
        self._writer = writer
        self._observe = observe
        self._health = health
        self._clock = clock
        self._retried = Retrying(observe, health)
        self._owned: dict[Partition, RawPartition] = {}
        self._committed: dict[Partition, int] = {}
        self._is_member = False  # once partitions were assigned, if only none
        # Far more often than time alone can close an epoch, and no more often than a replay can bear.
        self._tick_seconds = min(max(settings.timing.lateness_seconds / 60, TICK_SECONDS[0]), TICK_SECONDS[1])

    async def run(self, stop: Stop) -> None:
        """Work until `stop` is requested or the stream ends, then commit. Raises the DetectorError that ended it."""
        self._uses = await self._writer.partitions(self._kafka.uses)
        self._normaliser = Normaliser(self._settings, self._uses)
        now = asyncio.get_running_loop().time
        tick_at = commit_at = now()
        while not (stop.requested or self._stream.ended):
            fetched = await self._retried("fetch", self._stream.fetch, stop=stop)
            if fetched is None:
                break
            if fetched.assignment is not None:
                await self._assigned(fetched.assignment)
                self._is_member = True
                commit_at = now()  # where a first start begins is stored before anything is read
            if fetched.records:
                await self._step(fetched.records)
            if self._is_member:
                self._health.ready()
            if now() >= tick_at:
                tick_at = now() + self._tick_seconds
                await self._tick()
            if now() >= commit_at:
                commit_at = now() + COMMIT_SECONDS
                await self._commit()
        await self._commit()

    async def _assigned(self, assignment: Mapping[Partition, Bounds]) -> None:
        """Go on with what is ours now, where the last owner stopped."""
        self._owned, self._committed, start = {}, {}, {}
        for partition, bounds in assignment.items():
            is_control = partition.topic == self._kafka.control
            topic = _CONTROL if is_control else self._kafka.raw[partition.topic]
            begins = beginning(partition, _compacted(bounds) if is_control else bounds, topic, self._uses)
            offset = begins.offset
            if begins.time:
                offset = await self._stream.offset_at(partition, begins.time)
            owned = self._owned[partition] = RawPartition(partition, topic.generation, offset)
            if begins.note is not None:
                owned.time, owned.append_time = begins.note.time, begins.note.append_time
                self._committed[partition] = offset
            start[partition] = offset
        self._stream.seek(start)

    async def _step(self, fetched: Mapping[Partition, list[RawRecord]]) -> None:
        """One fetch, from bytes to acknowledged blocks."""
        started = time.perf_counter()
        done = Normalised()
        for partition, records in slices(fetched):
            await asyncio.to_thread(self._normaliser.decode, self._owned[partition], records, done)
        written = await asyncio.to_thread(self._normaliser.encode, done)
        outgoing = [OutgoingRecord(self._kafka.uses, block, partition=number) for number, block in written]
        outgoing += [dead_record(self._kafka.dead_letters, "ingest", letter) for letter in done.rejected]
        await self._retried("write", lambda: self._writer.write(outgoing))
        for owned, batch in done.parts:
            owned.passed(batch)
        for partition, records in fetched.items():
            self._owned[partition].offset = records[-1].offset + 1
        self._tell(done, outgoing, time.perf_counter() - started)

    async def _tick(self) -> None:
        """Speak for the raw partitions whose end is known, in every partition of `uses`."""
        now, ends = round(self._clock() * SECOND), self._stream.ends
        spoken = [(owned, ends[at]) for at, owned in self._owned.items() if at in ends]
        rows = [owned.tick(now, end) for owned, end in spoken if owned.partition.topic != self._kafka.control]
        batch = UseBatch.from_rows([row for row in rows if row is not None], StringTable())
        ticks = [
            OutgoingRecord(self._kafka.uses, block, partition=number)
            for block in blocks.encode(batch)
            for number in range(self._uses)
        ]
        await self._retried("write", lambda: self._writer.write(ticks))

    async def _commit(self) -> None:
        """Store how far everything is written; a member that lost its partitions stores nothing, and loses nothing."""
        moved = {at: owned for at, owned in self._owned.items() if owned.offset != self._committed.get(at)}
        positions = {at: owned.position(self._uses) for at, owned in moved.items()}
        if not positions or not await self._retried("commit", lambda: self._stream.commit(positions)):
            return
        for at, position in positions.items():
            self._committed[at] = position.offset
        for topic in sorted({at.topic for at in positions}):
            stored = {at.number: position.offset for at, position in positions.items() if at.topic == topic}
            self._observe(CommitDone(topic, stored))

    def _tell(self, done: Normalised, outgoing: list[OutgoingRecord], seconds: float) -> None:
        events: dict[str, int] = {}
        for _, batch in done.parts:
            codes, counts = np.unique(batch.source[batch.use_index == 0], return_counts=True)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                events[batch.strings[code]] = events.get(batch.strings[code], 0) + count
        rows = sum(len(batch) for _, batch in done.parts)
        size = sum(len(record.value or b"") for record in outgoing)
        unknown = sum(int(((batch.address != 0) & (batch.provider == 0)).sum()) for _, batch in done.parts)
        self._observe(BlocksWritten(events, rows, len(outgoing) - len(done.rejected), size, seconds, unknown))
        reasons: dict[str, int] = {}
        for letter in done.rejected:
            reasons[letter.reason] = reasons.get(letter.reason, 0) + 1
        if reasons:
            self._observe(RecordsRejected(reasons, self._kafka.dead_letters))


def _compacted(bounds: Bounds) -> Bounds:
    """Of a compacted topic old records go by design: what is left from the committed position on is all there is."""
    committed = bounds.committed
    if committed is not None and committed.offset < bounds.earliest:
        committed = committed._replace(offset=bounds.earliest)
    return Bounds(bounds.earliest, bounds.end, committed)
