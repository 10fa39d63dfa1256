"""Rejected records, kept as NDJSON: where each stood, why it was refused and its hash; never its bytes.

Written and synced before the position of the batch is committed, so that a crash repeats lines and loses none;
(stream, offset, record) names a reject for whoever wants each once.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from detector.decode import DeadLetter
from detector.errors import ConfigError, StreamUnavailable


class DeadLetterFile:
    """An append-only file of dead letters. `with DeadLetterFile(path) as file:`; blocking, so call it in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open or create the file. Raises ConfigError when that is not possible."""
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as exc:
            raise ConfigError(
                f"dead_letter.file: expected a file that can be appended to, found {exc.strerror} at {self.path}"
            ) from exc
        self._end_torn_line()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        self._descriptor = -1

    def append(self, letters: Sequence[DeadLetter]) -> None:
        """Write all and sync. Raises StreamUnavailable (RETRY), having taken back what it wrote, when it cannot."""
        if not letters:
            return
        found = os.fstat(self._descriptor)
        end = found.st_size if stat.S_ISREG(found.st_mode) else None  # a pipe or a device cannot be taken back
        try:
            self._write(b"".join(encode(letter) + b"\n" for letter in letters))
            if end is not None:
                os.fsync(self._descriptor)
        except OSError as exc:
            if end is not None:
                os.ftruncate(self._descriptor, end)
            raise StreamUnavailable(
                f"dead_letter.file {self.path}: expected to append {len(letters)} lines, found {exc.strerror}; "
                "nothing is committed until they are kept"
            ) from exc

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _end_torn_line(self) -> None:
        """A crash in the middle of a write leaves half a line; the next one must not be glued to it."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            self._write(b"\n")


def encode(letter: DeadLetter) -> bytes:
    """One line of JSON, without the newline; a lone surrogate, which is no text, is written as its code."""
    detail = letter.detail.encode("utf-8", "backslashreplace").decode()
    return msgspec.json.encode(dataclasses.replace(letter, detail=detail))
