"""detect: blocks of uses into alerts, one pipeline for each partition owned.

    fetch -> decode -> decide -> write alerts -> commit

A partition that is assigned is rebuilt from its earliest retained record, silently up to the committed position; one
that this worker still holds in memory goes on where it is, since its state is a function of the log alone. Alerts are
acknowledged before the position is committed: after a crash the same alerts come again with the same ids.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.decode import RawRecord
from detector.domain import SECOND, Activity, StringTable, UseBatch
from detector.errors import BlockError
from detector.pipeline import Emission, Pipeline
from detector.runtime.offsets import Progress
from detector.runtime.outgoing import outgoing
from detector.runtime.retrying import Retrying
from detector.runtime.signals import Stop
from detector.stream import blocks
from detector.stream.base import Bounds, Partition, Position, RecordStream, RecordWriter
from detector.telemetry.events import (
    AlertShadowed,
    AlertTolerated,
    AlertWritten,
    BatchProcessed,
    CommitDone,
    Observer,
    PartitionStopped,
    Restored,
)
from detector.telemetry.http import Health

OUTCOMES: Final = ("accepted", "resent", "redelivered", "scored", "candidates")
MOST_TEXTS: Final = 200_000  # kept between batches of a partition, so that each text is met once


@dataclass(slots=True)
class _Shard:
    """One partition of uses: what is known, how far it is, and why it stopped, if it did."""

    pipeline: Pipeline
    progress: Progress
    strings: StringTable = field(default_factory=StringTable)
    decoded: int = 0  # next offset to decode
    broken: str = ""

    def decode(self, records: list[RawRecord]) -> UseBatch:
        """Rows of the blocks up to the first that cannot be read; `broken` says why it stops there."""
        if len(self.strings) > MOST_TEXTS:
            self.strings = StringTable()
        batches = []
        for record in records:
            try:
                batches.append(blocks.decode(record.value, self.strings))
            except BlockError as error:
                self.broken = f"offset {record.offset}: {error}"
                break
            self.decoded = record.offset + 1
        return UseBatch.concat(batches, self.strings)


class Detect:
    """A member of the group that reads the topic of uses; `make` gives an empty pipeline for a partition.

    `clock` is the wall clock (seconds since 1970) and is used for telemetry only. Stream and writer are started and
    closed by their owner. `alerts` names the topic of alerts.
    """

    def __init__(
        self,
        make: Callable[[], Pipeline],
        *,
        stream: RecordStream,
        writer: RecordWriter,
        alerts: str,
        observe: Observer,
        health: Health,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._make = make
        self._stream = stream
        self._writer = writer
        self._alerts = alerts
        self._observe = observe
        self._health = health
        self._clock = clock
        self._retried = Retrying(observe, health)
        self._shards: dict[Partition, _Shard] = {}
        self._is_member = False  # once partitions were assigned, if only none
        self._restoring = 0.0

    @property
    def pipelines(self) -> Mapping[Partition, Pipeline]:
        """The shards this worker holds."""
        return {partition: shard.pipeline for partition, shard in self._shards.items()}

    async def run(self, stop: Stop) -> None:
        """Work until `stop` is requested or the stream ends. Raises the DetectorError that ended it."""
        while not (stop.requested or self._stream.ended):
            fetched = await self._retried("fetch", self._stream.fetch, stop=stop)
            if fetched is None:
                break
            if fetched.assignment is not None:
                self._assigned(fetched.assignment)
            for partition, records in fetched.records.items():
                shard = self._shards[partition]
                if not shard.broken:
                    await self._step(partition, shard, records)
            if self._is_member:
                self._say_how_it_is()

    def _assigned(self, assignment: Mapping[Partition, Bounds]) -> None:
        """Own these partitions; what is known of others is let go, for their new owner goes on without us."""
        kept = {at: shard for at, shard in self._shards.items() if at in assignment and not shard.broken}
        self._shards, start = {}, {}
        for partition, bounds in assignment.items():
            progress = Progress.of(partition, bounds)
            held = kept.get(partition)
            if held is not None and bounds.earliest <= held.progress.offset <= bounds.end:
                progress.offset = held.progress.offset
                held.progress = progress
            else:
                held = _Shard(self._make(), progress)
            self._shards[partition] = held
            start[partition] = held.progress.offset
        self._is_member = True
        self._restoring = time.monotonic()
        self._stream.seek(start)

    def _say_how_it_is(self) -> None:
        broken = [f"{partition} stopped: {shard.broken}" for partition, shard in self._shards.items() if shard.broken]
        behind = sum(not shard.progress.is_restored for shard in self._shards.values())
        if broken:
            self._health.not_ready("; ".join(broken))
        elif behind:
            self._health.not_ready(f"replaying {behind} partitions up to the committed position")
        else:
            if self._restoring:
                self._observe(Restored(len(self._shards), time.monotonic() - self._restoring))
                self._restoring = 0.0
            self._health.ready()

    async def _step(self, partition: Partition, shard: _Shard, records: list[RawRecord]) -> None:
        """Blocks of one partition, from bytes to the commit."""
        progress = shard.progress
        told = [record for record in records if record.offset < progress.boundary]
        for part, silent in ((told, True), (records[len(told) :], False)):
            if not part or shard.broken:
                continue
            batch = await asyncio.to_thread(shard.decode, part)
            try:
                emissions = await asyncio.to_thread(self._decide, shard.pipeline, batch)
            except BlockError as error:
                shard.broken = str(error)
                break
            if not silent:
                await self._deliver(emissions)
            progress.offset = max(progress.offset, shard.decoded)
        if shard.broken:
            self._observe(PartitionStopped(partition.topic, partition.number, progress.offset, shard.broken))
        if progress.is_ahead:
            await self._commit(partition, progress)

    async def _deliver(self, emissions: list[Emission]) -> None:
        """Write what is sent until it is acknowledged; then tell of it, and of what is withheld."""
        sent = [outgoing(self._alerts, emission.alert) for emission in emissions if emission.sends]
        if sent:
            await self._retried("write", lambda: self._writer.write(sent))
        for emission in emissions:
            self._observe(_told(emission))

    async def _commit(self, partition: Partition, progress: Progress) -> None:
        """Store what is delivered; where the partition has moved, its new owner repeats it with the same ids."""
        position = {partition: Position(progress.offset)}
        if await self._retried("commit", lambda: self._stream.commit(position)):
            progress.stored = progress.offset
            self._observe(CommitDone(partition.topic, {partition.number: progress.offset}))

    def _decide(self, pipeline: Pipeline, batch: UseBatch) -> list[Emission]:
        """Through the pipeline, in the worker thread; the event says what became of the rows."""
        before = {name: getattr(pipeline.counts, name) for name in (*OUTCOMES, "evicted")}
        started = time.perf_counter()
        emissions = pipeline.process(batch)
        seconds = time.perf_counter() - started
        grown = {name: getattr(pipeline.counts, name) - value for name, value in before.items()}
        evicted = grown.pop("evicted")
        uses = batch.time[batch.activity < Activity.TICK]
        last = int(uses[-1]) if len(uses) else 0
        self._observe(
            BatchProcessed(
                uses=grown,
                seconds=seconds,
                age_seconds=self._clock() - last / SECOND if last else None,
                principals=sum(shard.pipeline.principals for shard in self._shards.values()),
                credentials=sum(shard.pipeline.credentials for shard in self._shards.values()),
                evicted=evicted,
            )
        )
        return emissions


_TOLD: Final[dict[str, type[AlertWritten | AlertShadowed | AlertTolerated]]] = {
    "": AlertWritten,
    "shadow": AlertShadowed,
    "tolerated": AlertTolerated,
}


def _told(emission: Emission) -> AlertWritten | AlertShadowed | AlertTolerated:
    alert = emission.alert
    told = _TOLD[emission.withheld]
    return told(alert.id, alert.incident_id, alert.severity, alert.detection)
