"""A dump of `uses` as files: `uses-N.blocks` holds the blocks of partition N, one after the other, in their order.

The files get their names together, once all are whole: a dump that was broken off leaves none behind.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from detector.decode import RawRecord
from detector.errors import BlockError, InputError, UsageError
from detector.stream.block_files import SUFFIX
from detector.stream.blocks import block_length

_PARTIAL: Final = ".partial"
_OURS: Final = re.compile(r"uses-\d+" + re.escape(SUFFIX) + f"({re.escape(_PARTIAL)})?")


@dataclass(slots=True)
class Dump:
    """The files of a dump that is being written, by partition, and how much is in each."""

    files: Mapping[int, BinaryIO]
    blocks: dict[int, int] = field(default_factory=dict)
    bytes: dict[int, int] = field(default_factory=dict)

    def write(self, partition: int, records: Sequence[RawRecord]) -> None:
        """Append the blocks of a partition.

        Raises BlockError for a record that is no block: what comes after it in a file could not be found. Raises
        InputError when the disk takes no more.
        """
        for record in records:
            _check(record)
        with _disk(Path(self.files[partition].name)):
            self.files[partition].writelines(record.value for record in records)
        self.blocks[partition] = self.blocks.get(partition, 0) + len(records)
        self.bytes[partition] = self.bytes.get(partition, 0) + sum(len(record.value) for record in records)


@contextmanager
def dump_to(folder: Path, partitions: Collection[int], *, force: bool = False) -> Iterator[Dump]:
    """A dump of these partitions into `folder`, which is made; `force` replaces an earlier dump and leaves other files.

    Raises UsageError when there is something in the folder, and InputError when it cannot be written.
    """
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            f"{folder}: expected an empty folder, found files; name another, or say --force to replace a dump"
        )
    names = {number: folder / f"uses-{number}{SUFFIX}" for number in partitions}
    partial = {number: path.with_name(path.name + _PARTIAL) for number, path in names.items()}
    try:
        with ExitStack() as open_files:
            with _disk(folder):
                folder.mkdir(parents=True, exist_ok=True)
                files = {number: open_files.enter_context(path.open("wb")) for number, path in partial.items()}
            yield Dump(files)
        with _disk(folder):
            before = [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]
            for path in set(before) - {*partial.values(), *names.values()}:
                path.unlink()  # of a dump with more partitions, or of one that was killed
            for number, path in partial.items():
                path.replace(names[number])
    finally:
        for path in partial.values():
            with suppress(OSError):
                path.unlink()


def _check(record: RawRecord) -> None:
    place = f"kafka {record.stream} offset {record.offset}"
    try:
        length = block_length(record.value)
    except BlockError as error:
        raise BlockError(f"{place}: expected a block of uses; in it, {error}; who else writes this topic?") from None
    if length != len(record.value):
        raise BlockError(
            f"{place}: expected a block of {length} bytes, found {len(record.value)}; who else writes this topic?"
        )


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Say in our words what the disk does not take."""
    try:
        yield
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError(
            f"{path}: expected a place to write to, found: {found}; check the path and the disk"
        ) from error
