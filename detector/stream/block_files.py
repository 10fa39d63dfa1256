"""Files of blocks: a dump of `uses`, one file for each partition (`uses-3.blocks`), its blocks one after the other.

The rows of a file are those of the partition, in its order, and are read with bounded memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from detector.domain import StringTable, UseBatch
from detector.errors import BlockError, InputError
from detector.stream.blocks import HEADER, block_length, decode
from detector.stream.files import STDIN, file_size, find_files

SUFFIX: Final = ".blocks"  # what is read of a directory


class BlockFile:
    """One partition of `uses` in a file, `-` for standard input. `size` is that on disk, None for standard input.

    Blocks share a table of texts until it has more than `texts`. Raises InputError when there is no such file.
    """

    def __init__(self, file: str, *, stdin: BinaryIO | None = None, texts: int = 500_000) -> None:
        self.name = "stdin" if file == STDIN else file
        self.size = None if file == STDIN else file_size(Path(file))
        self.bytes_read = 0
        self._file = file
        self._stdin = stdin
        self._texts = texts

    def batches(self, rows: int) -> Iterator[UseBatch]:
        """The rows in their order, so many at a time whatever the blocks; fewer at the end and where a table ends.

        Raises InputError when the file cannot be read on, and with the byte where a damaged or unfinished block
        begins; the rows before it have been given out by then.
        """
        held: list[UseBatch] = []
        count = 0
        try:
            for batch in self._decoded():
                if held and batch.strings is not held[0].strings:
                    yield _joined(held)
                    held, count = [], 0
                held.append(batch)
                count += len(batch)
                if count >= rows:
                    joined = _joined(held)
                    count = len(joined) % rows
                    whole = len(joined) - count
                    yield from (joined.take(slice(at, at + rows)) for at in range(0, whole, rows))
                    held = [joined.take(slice(whole, None))] if count else []
        except InputError:
            if held:
                yield _joined(held)
            raise
        if held:
            yield _joined(held)

    def _decoded(self) -> Iterator[UseBatch]:
        """The rows of each block."""
        strings = StringTable()
        try:
            with self._opened() as handle:
                while start := handle.read(HEADER):
                    block = start + handle.read(block_length(start) - len(start))
                    batch = decode(block, strings)
                    self.bytes_read += len(block)
                    yield batch
                    if len(strings) > self._texts:
                        strings = StringTable()
        except BlockError as error:
            raise InputError(
                f"{self.name}: byte {self.bytes_read}: expected a whole block of uses; in it, {error}; if the file was "
                "damaged or cut short on its way, dump the partition again"
            ) from None
        except OSError as error:
            raise InputError(
                f"{self.name}: cannot be read: {error.strerror or error}; check the path and its rights"
            ) from None

    def _opened(self) -> AbstractContextManager[BinaryIO]:
        if self._file == STDIN:
            return nullcontext(self._stdin or sys.stdin.buffer)
        return Path(self._file).open("rb")


def find_block_files(paths: Sequence[str]) -> list[BlockFile]:
    """The files that paths, directories and globs name, as `find_files` does; of a directory those of `SUFFIX`.

    Raises InputError for a path that names nothing.
    """
    return [BlockFile(file) for file in find_files(paths, (SUFFIX,))]


def _joined(batches: Sequence[UseBatch]) -> UseBatch:
    return batches[0] if len(batches) == 1 else UseBatch.concat(batches, batches[0].strings)
