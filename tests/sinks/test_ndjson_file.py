from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from detector.encoders.native import Native
from detector.errors import ConfigError, InternalError
from detector.sinks.base import Destination
from detector.sinks.ndjson_file import NdjsonFile
from tests.alerts import alert


class File:
    """The far end of the contract suite."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.destination = Destination("file", str(path))

    def received(self) -> list[bytes]:
        return self.path.read_bytes().splitlines()


@asynccontextmanager
async def far_end(tmp_path: Path) -> AsyncIterator[File]:
    yield File(tmp_path / "alerts.ndjson")


def refusing(tmp_path: Path) -> Destination:
    """A destination that cannot be used."""
    return Destination("file", str(tmp_path / "no such folder" / "alerts.ndjson"))


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "alerts.ndjson")


async def test_lines_are_added_to_what_is_there(file: File) -> None:
    for name in ("first", "second"):
        async with NdjsonFile(file.destination, Native()) as sink:
            await sink.deliver([alert(id=name)])

    assert [Native().decode(line).id for line in file.received()] == ["first", "second"]


async def test_a_line_that_a_crash_cut_short_spoils_only_itself(file: File) -> None:
    file.path.write_bytes(b'{"schema":"detector.al')

    async with NdjsonFile(file.destination, Native()) as sink:
        await sink.deliver([alert()])

    cut, whole = file.received()
    assert cut == b'{"schema":"detector.al'
    assert Native().decode(whole) == alert()


async def test_a_path_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        await NdjsonFile(refusing(tmp_path), Native()).start()


async def test_delivering_before_the_start_is_a_defect(file: File) -> None:
    with pytest.raises(InternalError):
        await NdjsonFile(file.destination, Native()).deliver([alert()])
