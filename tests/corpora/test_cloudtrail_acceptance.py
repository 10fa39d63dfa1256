"""Real CloudTrail records, as many publishers cut and rewrote them: what is a record is read.

The judge is independent of the reader: the standard library's JSON, and a plain look at three fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from detector import sources
from detector.decode import DeadLetter, Decoder
from detector.domain import UseBatch
from detector.registry import members
from detector.sources.base import Source
from detector.stream.files import FileStream

CORPORA = os.environ.get("DETECTOR_CORPORA", "")
FILES = (
    "cribl-cloudtrail/*.jsonl",
    "opensearch-sa/cloudtrail*.jsonl",
    "panther/aws_cloudtrail.jsonl",
    "permiso-console/sessions/*.jsonl",
    "plaso/aws_cloudtrail.jsonl",
    "stratus-red-team/aws*.jsonl",
    "streamalert/cloudtrail*.jsonl",
    "trailscraper/cloudtrail.jsonl",
)

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA, reason="DETECTOR_CORPORA names no folder of third-party logs"),
]


def files() -> list[Path]:
    found = [path for pattern in FILES for path in sorted(Path(CORPORA).glob(pattern))]
    assert len(found) > 30
    return found


def logged(value: Any) -> Iterator[dict[str, Any]]:
    """The innermost records of one line."""
    if isinstance(value, dict):
        if isinstance(value.get("CloudTrailEvent"), str):
            yield from logged(json.loads(value["CloudTrailEvent"]))
        elif isinstance(value.get("logEvents"), list):
            for item in value["logEvents"]:
                yield from logged(json.loads(item["message"]))
        elif isinstance(value.get("Records"), list):
            for item in value["Records"]:
                yield from logged(item)
        elif isinstance(value.get("detail"), dict):
            yield from logged(value["detail"])
        else:
            yield value


def is_record(record: dict[str, Any]) -> bool:
    """Whether a record has a real time, source and name."""
    time, source, name = (record.get(key) for key in ("eventTime", "eventSource", "eventName"))
    if not all(isinstance(text, str) and text for text in (time, source, name)):
        return False
    try:
        return datetime.fromisoformat(str(time)).year >= 2006
    except ValueError:
        return False


@pytest.fixture(scope="module")
def read() -> tuple[list[UseBatch], list[DeadLetter]]:
    decoder = Decoder({name: kind() for name, kind in members(sources, Source).items()})
    batches, dead = [], []
    for chunk in FileStream([str(path) for path in files()]):
        batch, letters = decoder.decode(chunk.records)
        batches.append(batch)
        dead += [*chunk.rejected, *letters]
    return batches, dead


def test_what_is_a_record_is_accepted(read: tuple[list[UseBatch], list[DeadLetter]]) -> None:
    lines = [line for path in files() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    expected = sum(is_record(record) for line in lines for record in logged(json.loads(line)))
    accepted = sum(int((batch.use_index == 0).sum()) for batch in read[0])
    assert expected > 4_900
    assert expected * 0.995 <= accepted <= expected


def test_what_is_no_record_is_told_with_its_place(read: tuple[list[UseBatch], list[DeadLetter]]) -> None:
    assert read[1]
    assert {letter.reason for letter in read[1]} <= {"unknown_format", "missing_field", "bad_time"}
    for letter in read[1]:
        line = Path(letter.stream).read_text(encoding="utf-8").splitlines()[letter.offset - 1]
        assert not is_record(list(logged(json.loads(line)))[letter.record])


def test_issued_sessions_meet_their_own_uses(read: tuple[list[UseBatch], list[DeadLetter]]) -> None:
    """Where a log holds both the issue of a session and its uses, both state one principal in one realm."""
    issued: dict[str, tuple[str, str]] = {}
    used: dict[str, tuple[str, str]] = {}
    for batch in read[0]:
        for at in range(len(batch)):
            if "stratus" in batch.text("ref_stream", at) and batch.text("credential", at).startswith("ASIA"):
                book = issued if batch.activity[at] else used
                book[batch.text("credential", at)] = batch.text("realm", at), batch.text("principal", at)
    both = issued.keys() & used.keys()
    assert both
    assert {key: issued[key] for key in both} == {key: used[key] for key in both}
