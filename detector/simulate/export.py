"""Labelled fleets into the world: folders of logs, lines on a stream, topics of a broker. Truth goes elsewhere.

| where | what |
|---|---|
| `OUT/tenant-NN/LOG.ndjson[.gz]` | the records of one log of one tenant, in order of arrival |
| `OUT/tenant-NN/detector.yaml` | settings that read them: source and realm of each log, and which realms are one |
| `OUT/tenant-NN/assets.yaml`, `ranges.txt` | what the tenant's operator knows, for `scan --assets` |
| `TRUTH/tenant-NN.json` | what was malicious, and which benign cause made what unusual |

A log is named `SOURCE`, or `SOURCE.REALM` where its records do not name their realm, and so is its topic.
"""

from __future__ import annotations

import asyncio
import gzip
import heapq
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from detector.errors import InputError, UsageError
from detector.simulate import knowledge, truth
from detector.simulate.arrivals import Record, deliver, records
from detector.simulate.fleet import Fleet
from detector.simulate.tenant import truth_of
from detector.stream.base import OutgoingRecord, RecordWriter

_BATCH: Final = 500  # records acknowledged together
_AHEAD: Final = 0.05  # seconds that a record may be sent before it is due, so that records go together
_LOOK: Final = 0.2  # seconds between two looks at whether to stop
_COUNTED: Final = 1000  # records between two words about the progress
_SECOND: Final = 1_000_000  # microseconds

Progress = Callable[[int], None]  # is given the records since it was called last


def keep_apart(logs: Path | None, truths: Path) -> None:
    """Refuse to put the truth where a detector would read it. Raises UsageError."""
    inside = logs is not None and truths.resolve().is_relative_to(logs.resolve())
    if inside:
        raise UsageError(
            f"--truth {truths}: expected a folder outside of {logs}, found one inside, where a scan would find it; "
            "name another folder"
        )


def write_truth(fleet: Fleet, folder: Path, number: int) -> Path:
    """Write what is true about tenant `number`; where. Raises InputError when the file cannot be written."""
    path = folder / f"tenant-{number:02}.json"
    truth.write(truth_of(fleet), path)
    return path


def new_folder(folder: Path) -> None:
    """Make `folder`. Raises InputError where there are files: two datasets in one folder would be read as one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = next(folder.iterdir(), None)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder to write to, found: {error.strerror}; name another") from error
    if found is not None:
        raise InputError(
            f"{folder}: expected a new or empty folder, found {found.name} in it; empty it or name another"
        )


def write_folder(
    fleet: Fleet, folder: Path, number: int, *, compress: bool = False, progress: Progress | None = None
) -> dict[str, int]:
    """Write the logs of tenant `number` below `folder`; records by log. Raises InputError when that fails."""
    below = folder / f"tenant-{number:02}"
    counts: Counter[str] = Counter()
    try:
        below.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            files: dict[str, BinaryIO | gzip.GzipFile] = {}
            for record in counted(records(deliver(fleet)), progress):
                if record.log not in files:
                    files[record.log] = _opened(below / f"{record.log}.ndjson", stack, compress=compress)
                files[record.log].write(record.data + b"\n")
                counts[record.log] += 1
        (below / "detector.yaml").write_text(settings_of(fleet, sorted(counts)), encoding="utf-8")
        knowledge.write(fleet, below)
    except OSError as error:
        raise InputError(f"{below}: expected to write the logs there, found: {error.strerror}") from error
    return dict(sorted(counts.items()))


def settings_of(fleet: Fleet, logs: Sequence[str]) -> str:
    """A settings file that reads a tenant's logs: with `scan` from files, and with `run` from topics, named so."""
    realms = sorted({group.realm for group in fleet.groups})
    lines = [f"# Reads the logs of the simulated tenant {fleet.name}."]
    lines += ["realms:", f"  merge: [{json.dumps(realms)}]", "kafka:", "  raw:"]
    for log in logs:
        source, _, realm = log.partition(".")
        said = f", realm: {json.dumps(realm)}" if realm else ""
        lines.append(f"    {json.dumps(log)}: {{source: {source}{said}}}")
    return "\n".join(lines) + "\n"


def merged(fleets: Iterable[Fleet]) -> Iterator[Record]:
    """The records of all fleets in order of arrival. Holds all of them: their days pass together."""
    return heapq.merge(*(records(deliver(fleet)) for fleet in fleets), key=lambda record: record.arrival)


def write_lines(stream: Iterable[Record], target: BinaryIO, log: str | None = None) -> int:
    """Write records as lines, of one `log` or of all; how many."""
    count = 0
    for record in stream:
        if log in {None, record.log}:
            target.write(record.data + b"\n")
            count += 1
    target.flush()
    return count


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast records are sent: `rate` a second, or event time `speed` times as fast as it was; 0 and 0 = at once."""

    rate: float = 0.0
    speed: float = 0.0

    def due(self, index: int, arrival: int, first: int) -> float:
        """Seconds after the start at which record `index` is sent, which arrived at `arrival` microseconds."""
        if self.rate:
            return index / self.rate
        return (arrival - first) / _SECOND / self.speed if self.speed else 0.0


async def send(
    stream: Iterable[Record],
    writer: RecordWriter,
    *,
    prefix: str = "",
    pace: Pace = Pace(),
    stopped: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Send records to topics `prefix` + log, in order, spread over each topic's partitions; how many are acknowledged.

    Once `stopped`, what was taken is still written, and nothing more is taken. Raises what `writer.write` raises;
    then everything that `progress` was told of is acknowledged.
    """
    sending = _Sending(writer, prefix, progress)
    started, first = clock(), -1
    for index, record in enumerate(stream):
        first = record.arrival if first < 0 else first
        due = started + pace.due(index, record.arrival, first)
        if sending.full or due - clock() > _AHEAD:
            await sending.flush()
        while (early := due - clock()) > _AHEAD and not stopped():
            await sleep(min(early, _LOOK))
        if stopped():
            break
        await sending.add(record)
    await sending.flush()
    return sending.sent


class _Sending:
    """Records on their way: those that wait to be written together, and how many are acknowledged."""

    def __init__(self, writer: RecordWriter, prefix: str, progress: Progress | None) -> None:
        self.sent = 0
        self._writer = writer
        self._prefix = prefix
        self._progress = progress
        self._partitions: dict[str, int] = {}
        self._seen: Counter[str] = Counter()
        self._waiting: list[OutgoingRecord] = []

    @property
    def full(self) -> bool:
        """Whether enough wait to be worth a write."""
        return len(self._waiting) >= _BATCH

    async def add(self, record: Record) -> None:
        """Take one; each topic's partitions get records in turn."""
        topic = self._prefix + record.log
        if topic not in self._partitions:
            self._partitions[topic] = await self._writer.partitions(topic)
        partition = self._seen[topic] % self._partitions[topic]
        self._waiting.append(OutgoingRecord(topic, record.data, partition=partition))
        self._seen[topic] += 1

    async def flush(self) -> None:
        """Write what waits. Raises what the writer raises."""
        if self._waiting:
            await self._writer.write(self._waiting)
            self.sent += len(self._waiting)
            if self._progress:
                self._progress(len(self._waiting))
            self._waiting.clear()


def counted(stream: Iterable[Record], progress: Progress | None) -> Iterator[Record]:
    """The same records, telling `progress` now and then how many more have passed."""
    new = 0
    for record in stream:
        yield record
        new += 1
        if progress and new == _COUNTED:
            progress(new)
            new = 0
    if progress:
        progress(new)


def _opened(path: Path, stack: ExitStack, *, compress: bool) -> BinaryIO | gzip.GzipFile:
    """A file to write to, closed with `stack`. A compressed one holds neither name nor time: same fleet, same bytes."""
    if not compress:
        return stack.enter_context(path.open("wb"))
    file = stack.enter_context(path.with_name(f"{path.name}.gz").open("wb"))
    return stack.enter_context(gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0))
