from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

import pytest

from detector.decode import DeadLetter
from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.dead_letters import DeadLetterFile


def letter(offset: int, detail: str = "expected an object") -> DeadLetter:
    return DeadLetter("raw/0", offset, 0, "not_an_object", detail, "ab" * 16, 5)


def test_each_reject_is_one_line_with_its_position_reason_and_hash(tmp_path: Path) -> None:
    with DeadLetterFile(tmp_path / "dead.ndjson") as file:
        file.append([letter(3), letter(7)])
    lines = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert [line["offset"] for line in lines] == [3, 7]
    assert lines[0] == {
        "stream": "raw/0", "offset": 3, "record": 0, "reason": "not_an_object", "detail": "expected an object",
        "digest": "ab" * 16, "size": 5,
    }  # fmt: skip


def test_a_restart_appends_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "dead.ndjson"
    for offset in (1, 2):
        with DeadLetterFile(path) as file:
            file.append([letter(offset)])
    assert [json.loads(line)["offset"] for line in path.read_text().splitlines()] == [1, 2]


def test_half_a_line_left_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "dead.ndjson"
    path.write_bytes(b'{"stream":"raw/0","off')
    with DeadLetterFile(path) as file:
        file.append([letter(4)])
    torn, whole = path.read_text().splitlines()
    assert torn == '{"stream":"raw/0","off'
    assert json.loads(whole)["offset"] == 4


def test_a_detail_with_a_newline_or_a_lone_surrogate_stays_one_line(tmp_path: Path) -> None:
    with DeadLetterFile(tmp_path / "dead.ndjson") as file:
        file.append([letter(1, "found 'a\nb'"), letter(2, "found '\ud800'")])
    lines = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert [line["offset"] for line in lines] == [1, 2]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"dead_letter\.file.*no-such-folder"),
        DeadLetterFile(tmp_path / "no-such-folder" / "dead.ndjson"),
    ):
        pass


def test_a_full_disk_takes_back_what_was_half_written_and_asks_to_try_again(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with DeadLetterFile(tmp_path / "dead.ndjson") as file:
            file.append([letter(1)])
            size = file.path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
            with pytest.raises(StreamUnavailable, match="nothing is committed"):
                file.append([letter(2), letter(3)])
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            file.append([letter(2), letter(3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [json.loads(line)["offset"] for line in file.path.read_text().splitlines()] == [1, 2, 3]
