"""Alerts appended to a file, one message per line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

from detector.alert import Alert
from detector.errors import ConfigError, InternalError, StreamUnavailable
from detector.sinks.base import Sink


class NdjsonFile(Sink):
    """A file that only grows: `target` is its path. Lines are on disk when `deliver` returns.

    A line that a crash cut short is ended before the next one, so that it spoils nothing but itself.
    """

    name: ClassVar[str] = "ndjson_file"
    title: ClassVar[str] = "a file, one alert per line"

    _file: BinaryIO | None = None

    async def start(self) -> None:
        """Open for appending, creating the file. Raises ConfigError when the path cannot be written."""
        self._file = await asyncio.to_thread(self._open)

    async def deliver(self, alerts: Sequence[Alert]) -> None:
        """Append and flush to disk. Raises StreamUnavailable when the disk refuses."""
        await asyncio.to_thread(self._append, b"".join(self.encoder.encode(alert) + b"\n" for alert in alerts))

    async def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        try:
            file = Path(self.destination.target).open("ab+")  # noqa: SIM115 - `close` closes it
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
        except OSError as error:
            problem = f"expected a file alerts can be appended to: {error.strerror}; check the path and its rights"
            raise ConfigError(f"{self.destination.target}: {problem}") from error
        return file

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            raise InternalError("ndjson_file: deliver was called before start")
        try:
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StreamUnavailable(
                f"{self.destination.target}: the file takes no more alerts: {error.strerror}; free the disk"
            ) from error
