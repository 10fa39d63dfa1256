from __future__ import annotations

from pathlib import Path

import pytest

from detector.encoders.native import Native
from detector.errors import ConfigError, InternalError
from detector.sinks.ndjson_file import NdjsonFile
from tests.alerts import alert


def target(tmp_path: Path) -> str:
    """Where the contract suite delivers to."""
    return str(tmp_path / "alerts.ndjson")


def received(target: str) -> list[bytes]:
    """The messages that arrived there."""
    return Path(target).read_bytes().splitlines()


def refusing(tmp_path: Path) -> str:
    """A destination that cannot be used."""
    return str(tmp_path / "no such folder" / "alerts.ndjson")


async def test_lines_are_added_to_what_is_there(tmp_path: Path) -> None:
    for name in ("first", "second"):
        async with NdjsonFile(target(tmp_path), Native()) as sink:
            await sink.deliver([alert(id=name)])

    assert [Native().decode(line).id for line in received(target(tmp_path))] == ["first", "second"]


async def test_a_line_that_a_crash_cut_short_spoils_only_itself(tmp_path: Path) -> None:
    Path(target(tmp_path)).write_bytes(b'{"schema":"detector.al')  # noqa: ASYNC240 - nothing else is running

    async with NdjsonFile(target(tmp_path), Native()) as sink:
        await sink.deliver([alert()])

    cut, whole = received(target(tmp_path))
    assert cut == b'{"schema":"detector.al'
    assert Native().decode(whole) == alert()


async def test_a_path_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        await NdjsonFile(refusing(tmp_path), Native()).start()


async def test_delivering_before_the_start_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(InternalError):
        await NdjsonFile(target(tmp_path), Native()).deliver([alert()])
