"""What ingest knows of each raw partition: where it is, how far its event time has come, and what is kept of that.

The note beside a committed position carries it to the next owner, so that a worker that takes over an idle partition
can go on speaking for it. Pure: clocks and brokers are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.domain import Activity, Flag, UseBatch, UseRow, hash_text
from detector.errors import ConfigError, RecordError
from detector.records import EARLIEST, event_time
from detector.settings import RawTopic
from detector.state.epochs import AHEAD
from detector.stream.base import Bounds, Partition, Position
from detector.stream.refusals import check_retained

_EARLIEST: Final = "earliest"
_LATEST: Final = "latest"


class Note(msgspec.Struct, frozen=True, array_like=True):
    """Kept with a position: generation of the topic, partitions of `uses`, event and append time (microseconds)."""

    generation: int
    uses: int
    time: int = 0
    append_time: int = 0


@dataclass(slots=True)
class RawPartition:
    """One raw partition that this worker owns. Times in microseconds, 0 while nothing is known."""

    partition: Partition
    generation: int
    offset: int
    time: int = 0
    append_time: int = 0

    @property
    def identity(self) -> int:
        """What its rows call `raw_partition`: 63 bits that another topic, number or generation does not share."""
        return hash_text(f"{self.partition}/{self.generation}") >> 1

    def passed(self, batch: UseBatch) -> None:
        """These rows, all of this partition, have been written."""
        if not len(batch):
            return
        believed = batch.flags & Flag.TS_SUSPECT == 0
        clamp = np.where(batch.append_time > 0, batch.append_time + AHEAD, batch.time)
        self.time = max(self.time, int(np.minimum(batch.time, clamp)[believed].max(initial=0)))
        self.append_time = max(self.append_time, int(batch.append_time.max()))

    def tick(self, now: int, end: int) -> UseRow | None:
        """The row that speaks for it, `end` being its next offset; None where it has nothing to say.

        At its end time goes on without records, by as much as its append times would have; behind it, it asks to be
        waited for.
        """
        behind = self.offset < end
        if self.append_time == 0 and not behind:
            return None
        gone = 0 if behind else max(0, now - self.append_time)
        return UseRow(
            native_id="",
            source="",
            time=self.time + gone if self.time else EARLIEST,
            activity=Activity.TICK,
            raw_partition=self.identity,
            raw_offset=self.offset,
            append_time=max(now, self.append_time),
        )

    def position(self, uses: int) -> Position:
        """What to commit."""
        note = Note(self.generation, uses, self.time, self.append_time)
        return Position(self.offset, msgspec.json.encode(note).decode())


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a raw partition is read from: an `offset`, or the first record appended at `time` (microseconds)."""

    offset: int
    time: int = 0
    note: Note | None = None


def beginning(partition: Partition, bounds: Bounds, topic: RawTopic, uses: int) -> Beginning:
    """Where to go on, or to begin.

    `uses` is the number of partitions of the topic of uses. Raises ConfigError when records are gone that were never
    read, when the topic was made anew, or when rows would go to other partitions than before.
    """
    setting = f"kafka.raw.{partition.topic}.generation"
    if bounds.committed is None:
        return _first(bounds, topic, partition.topic)
    note = _note(bounds.committed.note, topic, uses)
    if note.generation < topic.generation:
        return _first(bounds, topic, partition.topic)
    if note.generation > topic.generation:
        raise ConfigError(f"{setting}: expected {note.generation} or more, as before, found {topic.generation}")
    if note.uses != uses:
        raise ConfigError(
            f"kafka.uses: expected {note.uses} partitions, as when rows were last written, found {uses}: realms would "
            f"move away from what is known of them; write to a new topic, or raise {setting} to begin anew"
        )
    remedy = (
        f"raise {setting} to {topic.generation + 1}: reading then begins at kafka.raw.{partition.topic}.start again"
    )
    check_retained(partition, bounds.committed.offset, bounds, remedy)
    return Beginning(bounds.committed.offset, note=note)


def _note(text: str, topic: RawTopic, uses: int) -> Note:
    """The note of a commit; of one that others made, what must be assumed."""
    try:
        return msgspec.json.decode(text, type=Note)
    except msgspec.MsgspecError:
        return Note(topic.generation, uses)


def _first(bounds: Bounds, topic: RawTopic, name: str) -> Beginning:
    if topic.start == _EARLIEST:
        return Beginning(bounds.earliest)
    if topic.start == _LATEST:
        return Beginning(bounds.end)
    try:
        return Beginning(bounds.earliest, time=event_time(topic.start))
    except RecordError as error:
        raise ConfigError(
            f"kafka.raw.{name}.start: expected earliest, latest or an RFC 3339 time, found {topic.start!r}"
        ) from error
