"""`run`: fetch → decode → decide → deliver → commit, batch after batch, until asked to stop.

The order is what makes delivery effectively once: dead letters are on disk and alerts acknowledged before the
position is committed; after a crash the uncommitted part repeats with the same ids. Decoding and deciding run in a
worker thread, so the loop stays free for the broker and the probes. While the broker is gone nothing is fetched, so
memory stays that of one batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import numpy as np
import stamina

from detector.alert import Alert
from detector.decode import DeadLetter, Decoder, RawRecord
from detector.domain import SECOND, StringTable, UseBatch
from detector.errors import DetectorError, StreamUnavailable
from detector.pipeline import Emission, Pipeline
from detector.runtime.dead_letters import DeadLetterFile
from detector.runtime.offsets import Positions
from detector.runtime.outgoing import outgoing
from detector.runtime.signals import Stop
from detector.stream.base import AlertWriter, RecordStream
from detector.telemetry.events import (
    AlertShadowed,
    AlertWritten,
    BatchProcessed,
    CommitDone,
    LoopLagMeasured,
    Observer,
    RecordsRejected,
    Restored,
    Stopped,
    Stopping,
    StreamRetried,
)
from detector.telemetry.http import Health

SLICE: Final = 512  # records decoded between two chances of the loop to run
DRAIN_SECONDS: Final = 6.0  # closing the connections comes after it; together they stay within ten seconds
LOOP_SECONDS: Final = 0.5
OUTCOMES: Final = ("accepted", "resent", "redelivered", "scored", "candidates")

Result = TypeVar("Result")


class Service:
    """One process, one pipeline, every raw partition.

    `sends` says which alerts go out; the others are in shadow and only counted. `clock` is the wall clock (seconds
    since 1970) and is used for telemetry only. `stream`, `writer` and
    `dead_letters` are started by their owner and closed by it.
    """

    def __init__(
        self,
        *,
        stream: RecordStream,
        writer: AlertWriter,
        decoder: Decoder,
        pipeline: Pipeline,
        sends: Callable[[Alert], bool],
        dead_letters: DeadLetterFile,
        observe: Observer,
        health: Health,
        topic: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._decoder = decoder
        self._pipeline = pipeline
        self._sends = sends
        self._dead_letters = dead_letters
        self._observe = observe
        self._health = health
        self._topic = topic
        self._clock = clock
        self._alerts = 0

    async def run(self, stop: Stop) -> None:
        """Process until `stop` is requested or the stream ends, then drain.

        Raises the DetectorError that ended it; StreamUnavailable when a requested stop is not done in
        `DRAIN_SECONDS` (what was not committed is repeated by the next start).
        """
        try:
            async with asyncio.TaskGroup() as group:
                aside = [
                    group.create_task(_measure_loop(self._observe), name="loop lag"),
                    group.create_task(_limit_drain(stop, self._observe), name="drain limit"),
                ]
                await self._work(stop)
                for task in aside:
                    task.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from failures

    async def _work(self, stop: Stop) -> None:
        positions = Positions(self._stream.committed, self._stream.first)
        started, records, restored = time.monotonic(), 0, False
        while True:
            if not restored and positions.restored:
                restored = True
                self._observe(Restored(records, time.monotonic() - started))
            if restored:
                self._health.ready()
            else:
                self._health.not_ready("replaying up to the committed position")
            if stop.requested or self._stream.ended:
                break
            fetched = await self._retried("fetch", self._stream.fetch, lambda: stop.requested) or []
            if fetched:
                await self._step(fetched, positions)
                records += len(fetched)
        stop.request("end of stream")
        self._health.not_ready("stopping")
        self._observe(Stopped(self._alerts, self._stream.committed))

    async def _step(self, records: list[RawRecord], positions: Positions) -> None:
        """One batch, from bytes to the commit."""
        batch, rejected = await self._decode(records)
        emissions = await asyncio.to_thread(self._decide, batch) if len(batch) else []
        await self._set_aside(records, rejected, positions)
        await self._deliver(
            [found.alert for found in emissions if not positions.silent(found.raw_partition, found.raw_offset)]
        )
        positions.delivered(records)
        if ahead := positions.committable():
            await self._retried("commit", lambda: self._stream.commit(ahead))
            positions.committed(ahead)
            self._observe(CommitDone(self._topic, ahead))

    async def _deliver(self, alerts: list[Alert]) -> None:
        """Write what is sent until it is acknowledged; then tell of it, and of what is in shadow."""
        lines = [outgoing(alert) for alert in alerts if self._sends(alert)]
        if lines:
            await self._retried("write", lambda: self._writer.write(lines))
            self._alerts += len(lines)
        for alert in alerts:
            told = AlertWritten if self._sends(alert) else AlertShadowed
            self._observe(told(alert.id, alert.incident_id, alert.severity, alert.detection))

    async def _decode(self, records: list[RawRecord]) -> tuple[UseBatch, list[DeadLetter]]:
        strings = StringTable()
        parts: list[UseBatch] = []
        rejected: list[DeadLetter] = []
        for at in range(0, len(records), SLICE):
            part, refused = await asyncio.to_thread(self._decoder.decode, records[at : at + SLICE], strings)
            parts.append(part)
            rejected += refused
        return UseBatch.concat(parts, strings), rejected

    def _decide(self, batch: UseBatch) -> list[Emission]:
        """Through the pipeline, in the worker thread; the event says what became of the rows."""
        counts = self._pipeline.counts
        before = {name: getattr(counts, name) for name in (*OUTCOMES, "evicted")}
        started = time.perf_counter()
        emissions = self._pipeline.process(batch)
        seconds = time.perf_counter() - started
        grown = {name: getattr(self._pipeline.counts, name) - value for name, value in before.items()}
        evicted = grown.pop("evicted")
        sources, rows = np.unique(batch.source[batch.use_index == 0], return_counts=True)
        last = int(batch.time[-1])
        self._observe(
            BatchProcessed(
                events={batch.strings[int(code)]: int(n) for code, n in zip(sources, rows, strict=True)},
                uses=grown,
                seconds=seconds,
                age_seconds=self._clock() - last / SECOND if last else None,
                principals=self._pipeline.principals,
                credentials=self._pipeline.credentials,
                evicted=evicted,
            )
        )
        return emissions

    async def _set_aside(self, records: list[RawRecord], rejected: list[DeadLetter], positions: Positions) -> None:
        """Keep the rejects that no earlier run has kept."""
        if not rejected:
            return
        partition = {record.stream: record.partition for record in records}
        fresh = [bad for bad in rejected if not positions.silent(partition[bad.stream], bad.offset)]
        if not fresh:
            return
        await self._retried("dead letter", lambda: asyncio.to_thread(self._dead_letters.append, fresh))
        reasons: dict[str, int] = {}
        for bad in fresh:
            reasons[bad.reason] = reasons.get(bad.reason, 0) + 1
        self._observe(RecordsRejected(reasons, str(self._dead_letters.path)))

    async def _retried(
        self,
        operation: str,
        call: Callable[[], Awaitable[Result]],
        give_up: Callable[[], bool] = lambda: False,
    ) -> Result | None:
        """`call` until it works, with growing pauses; None once `give_up` says so between two attempts."""
        async for attempt in stamina.retry_context(
            on=StreamUnavailable, attempts=None, timeout=None, wait_initial=0.2, wait_max=5.0
        ):
            with attempt:
                self._health.beat()
                if attempt.num > 1 and give_up():
                    return None
                try:
                    return await call()
                except StreamUnavailable as exc:
                    self._health.not_ready(f"{operation}: waiting for the broker or the disk")
                    self._observe(StreamRetried(operation, attempt.num, str(exc)))
                    raise
        return None


async def _measure_loop(observe: Observer) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_SECONDS
        await asyncio.sleep(LOOP_SECONDS)
        observe(LoopLagMeasured(max(0.0, loop.time() - due)))


async def _limit_drain(stop: Stop, observe: Observer) -> None:
    await stop.wait()
    observe(Stopping(stop.reason))
    await asyncio.sleep(DRAIN_SECONDS)
    raise StreamUnavailable(
        f"stop: expected the last batch delivered within {DRAIN_SECONDS:.0f} s, found the broker not answering; "
        "nothing is lost: the next start repeats it with the same ids"
    )


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of ours in a group of failures; else the first of them: a defect."""
    ours, _ = failures.split(DetectorError)
    chosen: BaseException = ours or failures
    while isinstance(chosen, BaseExceptionGroup):
        chosen = chosen.exceptions[0]
    return chosen
