"""`deliver`: alerts from their topic to one sink, in order within an incident; a consumer group of its own.

    fetch → read → leave out repeats and what is not severe enough → hand over → dead letters → commit

A sink that is away changes nothing for anybody else: its alerts wait in the topic. They are not held here: what could
not be handed over is given back to the stream and fetched again, so memory stays bounded and the group keeps hearing
from its member. An alert that the destination refuses, or fails on again and again, becomes a dead letter, so that it
does not stand in the way of the next one; the alert itself stays in the alerts topic.

After a crash, at most the last second of deliveries and the one in flight are repeated, with the same ids.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from detector.alert import SCHEMA, SEVERITIES, Alert, Severity
from detector.decode import RawRecord
from detector.encoders.native import Native
from detector.errors import ConfigError, DeliveryFailed, RecordError, StreamUnavailable
from detector.runtime.retrying import Retrying
from detector.runtime.signals import Stop
from detector.sinks.base import Sink
from detector.stream.base import Bounds, OutgoingRecord, Partition, Position, RecordStream, RecordWriter
from detector.stream.refusals import check_retained
from detector.telemetry.events import (
    AlertsDelivered,
    DeliveryRefused,
    DeliveryRetried,
    DeliverySuspended,
    Observer,
)
from detector.telemetry.http import Health

DRAIN_SECONDS: Final = 4.0  # less than the process has: a destination that hangs must not look like a broker that does
COMMIT_SECONDS: Final = 1.0
STEP_SECONDS: Final = 5.0  # between two fetches, for a group waits only so long for a member that is busy
REMEMBERED: Final = 10_000  # ids of settled alerts, by which repeats are known


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait for a destination, in seconds: doubling from the first pause to the longest.

    `away`: it does not answer, for ever. `failing`: it fails, perhaps on the alert it was given, `attempts` times; as
    set here that is a minute and a half, after which the alert is at fault. What a destination asks for itself is
    respected up to `longest`, which is short enough for the group to wait for and for the probes to call healthy.
    """

    away: tuple[float, float] = (0.2, 5.0)
    failing: tuple[float, float] = (1.0, 30.0)
    attempts: int = 8
    longest: float = 30.0

    def after(self, error: StreamUnavailable | DeliveryFailed, attempt: int) -> float:
        """Seconds to wait after this many failed attempts (from 1)."""
        first, longest = self.failing if isinstance(error, DeliveryFailed) else self.away
        asked = error.retry_after if isinstance(error, StreamUnavailable) else 0.0
        return max(min(first * 2.0 ** min(attempt - 1, 30), longest), min(asked, self.longest))


class DeadAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter of delivery: which alert, where its record stands, and why; never its bytes.

    `reason` is one of `detector.sinks.base.REFUSALS`; the ids are empty where the record is no alert. `digest`: the
    first 32 hexadecimal digits of the SHA-256 of the record's `size` bytes.
    """

    role: Literal["deliver"] = "deliver"
    sink: str
    alert_id: str
    incident_id: str
    reason: str
    detail: str
    stream: str
    offset: int
    digest: str
    size: int


@dataclass(slots=True)
class _Place:
    """How far one partition is: next offset to hand over, the one stored, failures of the alert that stands there."""

    next: int
    stored: int = -1
    failures: int = 0


@dataclass(slots=True)
class _Lot:
    """Records of one partition, sorted by what is to become of them."""

    wanted: list[tuple[RawRecord, Alert]] = field(default_factory=list)
    dead: list[DeadAlert] = field(default_factory=list)
    repeated: int = 0
    filtered: int = 0


class Delivery:
    """One sink's loop, a member of that sink's group; `stream` reads the alerts topic alone.

    `start` says where a partition begins of which the group has committed nothing; the alerts below `min_severity`
    are left out. `sink`, `stream` and `writer` are its own; they are started and closed by whoever made it.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        stream: RecordStream,
        writer: RecordWriter,
        dead_letters: str,
        observe: Observer,
        health: Health,
        min_severity: Severity = "informational",
        start: Literal["earliest", "latest"] = "earliest",
        pauses: Pauses = Pauses(),
    ) -> None:
        self._sink = sink
        self._name = sink.destination.name
        self._stream = stream
        self._writer = writer
        self._dead_letters = dead_letters
        self._observe = observe
        self._health = health
        self._retried = Retrying(observe, health)
        self._severities = frozenset(SEVERITIES[SEVERITIES.index(min_severity) :])
        self._start = start
        self._pauses = pauses
        self._read = Native()
        self._places: dict[Partition, _Place] = {}
        self._assigned = False
        self._settled: OrderedDict[str, None] = OrderedDict()  # in the order they were settled
        self._outcomes: Counter[str] = Counter()  # since they were last told
        self._failures = 0  # of the destination, since it last took an alert
        self._committed = time.monotonic()

    async def run(self, stop: Stop) -> None:
        """Deliver until `stop` is requested or the stream ends; what is in flight then has `DRAIN_SECONDS`.

        A destination that does not answer by then is no error: nothing is committed for it, and the next start
        repeats it. Neither is a ConfigError: what an operator has to correct ends this sink's deliveries, is told as
        an event, and leaves the other roles of the process alone.
        """
        work = asyncio.create_task(self._work(stop), name=f"deliver {self._name}")
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({work}, timeout=DRAIN_SECONDS)
        finally:
            asked.cancel()
            work.cancel()
            await asyncio.gather(asked, work, return_exceptions=True)
        if not work.cancelled():
            work.result()

    async def _work(self, stop: Stop) -> None:
        try:
            while not (stop.requested or self._stream.ended):
                fetched = await self._retried("fetch", self._stream.fetch, stop=stop)
                if fetched is None:
                    break
                if fetched.assignment is not None:
                    self._begin(fetched.assignment)
                if self._assigned:
                    self._health.ready()
                await self._step(fetched.records, stop)
        except ConfigError as error:
            self._observe(DeliverySuspended(self._name, str(error)))
            while not stop.requested:
                await self._pause(self._pauses.longest, stop)

    async def _step(self, fetched: Mapping[Partition, Sequence[RawRecord]], stop: Stop) -> None:
        """What one fetch brought: settled and committed, or given back after a pause."""
        try:
            await self._hand_over_all(fetched, stop)
        except (StreamUnavailable, DeliveryFailed) as error:
            self._failures += 1
            self._observe(DeliveryRetried(self._name, self._failures, str(error)))
            self._give_back(fetched)
            await self._commit()
            await self._pause(self._pauses.after(error, self._failures), stop)
        else:
            await self._commit()

    def _begin(self, assignment: Mapping[Partition, Bounds]) -> None:
        """Take over exactly these partitions, each from where the group has come to."""
        before, self._places, self._assigned = self._places, {}, True
        for partition, bounds in assignment.items():
            if bounds.committed is not None:
                remedy = f"rename the sink {self._name!r}: every retained alert then goes to it"
                check_retained(partition, bounds.committed.offset, bounds, remedy)
                place = _Place(bounds.committed.offset, bounds.committed.offset)
            elif partition in before:
                place = before[partition]
            else:
                place = _Place(bounds.end if self._start == "latest" else bounds.earliest)
            self._places[partition] = place
        self._stream.seek({partition: place.next for partition, place in self._places.items()})

    async def _hand_over_all(self, fetched: Mapping[Partition, Sequence[RawRecord]], stop: Stop) -> None:
        """Lot after lot, until all is settled, the partitions have moved, or it is time for something else."""
        until = time.monotonic() + STEP_SECONDS
        for partition, records in fetched.items():
            for at in range(0, len(records), self._sink.batch):
                await self._hand_over(partition, records[at : at + self._sink.batch])
                if time.monotonic() - self._committed >= COMMIT_SECONDS and not await self._commit():
                    return
                if stop.requested or time.monotonic() >= until:
                    self._give_back(fetched)
                    return

    async def _hand_over(self, partition: Partition, records: Sequence[RawRecord]) -> None:
        """Settle these records: afterwards each is delivered, left out or a dead letter.

        Raises StreamUnavailable or DeliveryFailed when they have to be tried again, ConfigError when that is no use.
        """
        place, lot = self._places[partition], self._sort(records)
        try:
            await self._deliver([alert for _, alert in lot.wanted])
        except RecordError as error:
            if len(lot.wanted) > 1:  # which one it was shows when they come alone
                for record in records:
                    await self._hand_over(partition, [record])
                return
            if isinstance(error, DeliveryFailed) and place.failures + 1 < self._pauses.attempts:
                place.failures += 1
                raise
            lot.dead += [self._dead(record, error, alert) for record, alert in lot.wanted]
        else:
            self._outcomes.update(delivered=len(lot.wanted))
        await self._set_aside(lot.dead)
        self._outcomes.update(repeated=lot.repeated, filtered=lot.filtered)
        self._remember(alert.id for _, alert in lot.wanted)
        place.next, place.failures = records[-1].offset + 1, 0

    def _sort(self, records: Sequence[RawRecord]) -> _Lot:
        """Which are alerts that the destination should get, and what the others are."""
        lot, met = _Lot(), set[str]()
        for record in records:
            try:
                alert = self._read.decode(record.value)
            except RecordError as error:
                lot.dead.append(self._dead(record, RecordError(error.reason, f"expected {SCHEMA}, found other bytes")))
                continue
            if alert.id in self._settled or alert.id in met:
                lot.repeated += 1
            elif alert.severity not in self._severities:
                lot.filtered += 1
            else:
                lot.wanted.append((record, alert))
            met.add(alert.id)
        return lot

    async def _deliver(self, alerts: list[Alert]) -> None:
        if not alerts:
            return
        self._health.beat()
        await self._sink.deliver(alerts)
        self._failures = 0

    def _dead(self, record: RawRecord, error: RecordError, alert: Alert | None = None) -> DeadAlert:
        return DeadAlert(
            sink=self._name,
            alert_id=alert.id if alert else "",
            incident_id=alert.incident_id if alert else "",
            reason=error.reason,
            detail=error.detail,
            stream=record.stream,
            offset=record.offset,
            digest=hashlib.sha256(record.value).hexdigest()[:32],
            size=len(record.value),
        )

    async def _set_aside(self, dead: Sequence[DeadAlert]) -> None:
        """Write the dead letters until they are acknowledged; then tell of them."""
        if not dead:
            return
        lines = [
            OutgoingRecord(self._dead_letters, msgspec.json.encode(one), key=(one.incident_id or one.stream).encode())
            for one in dead
        ]
        await self._retried("dead letter", lambda: self._writer.write(lines))
        for one in dead:
            self._observe(DeliveryRefused(self._name, one.alert_id, one.incident_id, one.reason, one.detail))

    def _remember(self, ids: Iterator[str]) -> None:
        self._settled.update(dict.fromkeys(ids))
        while len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)

    def _give_back(self, fetched: Mapping[Partition, Sequence[RawRecord]]) -> None:
        """What is not settled is fetched again."""
        places = {partition: self._places[partition].next for partition in fetched}
        self._stream.seek({at: place for at, place in places.items() if place <= fetched[at][-1].offset})

    async def _commit(self) -> bool:
        """Tell and store how far everything is settled; False when the partitions have moved to another member."""
        if outcomes := dict(+self._outcomes):
            self._observe(AlertsDelivered(self._name, outcomes))
            self._outcomes.clear()
        ahead = {at: place.next for at, place in self._places.items() if place.next > place.stored}
        self._committed = time.monotonic()
        if not ahead:
            return True
        positions = {partition: Position(offset) for partition, offset in ahead.items()}
        if not await self._retried("commit", lambda: self._stream.commit(positions)):
            return False
        for partition, offset in ahead.items():
            self._places[partition].stored = offset
        return True

    async def _pause(self, seconds: float, stop: Stop) -> None:
        self._health.beat()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
