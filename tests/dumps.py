"""Dumps of `uses` from logs: what ingest would have written of them, in the order of event time."""

from __future__ import annotations

from pathlib import Path

from detector import sources
from detector.decode import Decoder
from detector.domain import UseBatch
from detector.registry import members
from detector.routing import Router
from detector.sources.base import Source
from detector.stream.blocks import encode
from detector.stream.files import FileStream
from detector.stream.reorder import Reorder


def ordered(log: Path, rows: int = 4096) -> list[UseBatch]:
    """The uses of a log as `scan` would decide on them, in batches of so many rows."""
    reorder = Reorder(rows=rows)
    decoder = Decoder({name: source() for name, source in members(sources, Source).items()})
    batches: list[UseBatch] = []
    for chunk in FileStream([str(log)]):
        batches += reorder.push(decoder.decode(chunk.records, reorder.strings)[0])
    return batches + reorder.flush()


def dump(log: Path, folder: Path, partitions: int = 1, rows: int = 4096) -> list[Path]:
    """Write `uses-0.blocks` and so on, blocks of so many rows before routing; returns the files in order."""
    router = Router(partitions)
    files = [folder / f"uses-{number}.blocks" for number in range(partitions)]
    for file in files:
        file.touch()
    for batch in ordered(log, rows):
        partition = router.partitions(batch)
        for number, file in enumerate(files):
            append(file, batch.take(partition == number))
    return files


def append(file: Path, batch: UseBatch) -> None:
    """Write the rows of a batch as the next blocks of a file."""
    with file.open("ab") as handle:
        handle.writelines(encode(batch))
