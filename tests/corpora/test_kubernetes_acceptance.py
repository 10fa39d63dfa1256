"""Real Kubernetes audit events, as clusters and publishers wrote them: what is a request with its answer is read.

The judge is independent of the reader: the standard library's JSON, and a plain look at a few fields.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from detector import sources
from detector.decode import DeadLetter, Decoder, RawRecord
from detector.domain import TEXT_COLUMNS, Outcome, UseRow
from detector.registry import members
from detector.sources.base import Source
from detector.sources.kubernetes import Kubernetes
from detector.stream.files import FileStream

CORPORA = os.environ.get("DETECTOR_CORPORA", "")
FILES = {  # events that each holds, and how many of them say who did what and when
    "falco-k8s-audit/audit.jsonl": (18, 18),
    "audit2rbac-k8s/demo.jsonl": (37, 37),
    "panther/k8s_eks_audit.jsonl": (79, 2),
}
TIMES = ("requestReceivedTimestamp", "stageTimestamp", "timestamp")
SECRET = re.compile(r"eyJ[\w-]{8,}\.|-----BEGIN|gh[opsur]_\w{16,}|access_token=|command=")

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA, reason="DETECTOR_CORPORA names no folder of third-party logs"),
]


def decoder() -> Decoder:
    return Decoder({name: kind() for name, kind in members(sources, Source).items()}, realm="cluster")


def logged(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(CORPORA) / file).read_text(encoding="utf-8").splitlines()]


def is_use(record: dict[str, Any]) -> bool:
    """Whether an event says who did what and when."""
    time = next((record[key] for key in TIMES if record.get(key)), "")
    try:
        datetime.fromisoformat(time)
    except ValueError:
        return False
    return bool(record.get("verb")) and isinstance(record.get("user"), dict)


def rows_of(file: str) -> tuple[list[UseRow], list[DeadLetter]]:
    rows: list[UseRow] = []
    dead: list[DeadLetter] = []
    for chunk in FileStream([str(Path(CORPORA) / file)]):
        batch, letters = decoder().decode(chunk.records)
        for at in range(len(batch)):
            texts: dict[str, Any] = {column: batch.text(column, at) for column in TEXT_COLUMNS}
            numbers: dict[str, Any] = {"time": int(batch.time[at]), "outcome": int(batch.outcome[at])}
            rows.append(UseRow(native_id=batch.native_id[at], **texts, **numbers))
        dead += [*chunk.rejected, *letters]
    return rows, dead


@pytest.mark.parametrize("file", FILES)
def test_what_says_who_did_what_and_when_is_accepted_and_the_rest_refused_with_its_reason(file: str) -> None:
    records = logged(file)
    rows, dead = rows_of(file)
    assert (len(records), len(rows)) == FILES[file]
    assert len(rows) == sum(map(is_use, records))
    assert {row.source for row in rows} <= {"kubernetes"}
    assert len(dead) == len(records) - len(rows)
    for letter in dead:
        assert letter.reason in {"missing_field", "unknown_format"}
        assert not is_use(records[letter.offset - 1])


def test_every_row_says_what_its_event_says() -> None:
    for file in FILES:
        records = {record.get("auditID"): record for record in logged(file) if is_use(record)}
        for row in rows_of(file)[0]:
            record = records[row.native_id]
            assert row.address == (record.get("sourceIPs") or [""])[-1]
            code = record["responseStatus"]["code"]
            assert row.outcome == (
                Outcome.DENIED if code in {401, 403} else Outcome.FAILED if code >= 400 else Outcome.ALLOWED
            )
            assert row.action.split(":", 1)[1].startswith(record["verb"])


def test_impersonated_requests_are_uses_of_the_impersonator() -> None:
    rows, _ = rows_of("audit2rbac-k8s/demo.jsonl")
    impersonated = Counter(record["impersonatedUser"]["username"] for record in logged("audit2rbac-k8s/demo.jsonl"))
    assert Counter(row.channel.removeprefix("impersonate:") for row in rows) == impersonated
    assert {row.principal for row in rows} == {"system:admin"}


def test_no_row_holds_a_secret() -> None:
    rows = [row for file in FILES for row in rows_of(file)[0]]
    texts = [str(getattr(row, column)) for row in rows for column in ("native_id", *TEXT_COLUMNS)]
    assert texts
    assert not [text for text in texts if SECRET.search(text)]


def test_a_flattened_log_is_refused_in_words_that_say_so() -> None:
    with gzip.open(Path(CORPORA) / "perfspec-k8s/audit-logs.first60.jsonl.gz") as lines:
        records = [RawRecord(line, "perfspec", number) for number, line in enumerate(lines, 1)]
    batch, dead = decoder().decode(records)
    assert (len(batch), len(dead)) == (0, 9_938)
    assert {letter.reason for letter in dead} == {"missing_field"}
    assert all("flattened" in letter.detail for letter in dead)


def nested(flat: dict[str, str]) -> dict[str, Any]:
    """A flattened record in the shape the API server writes."""
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = int(value) if key == "responseStatus.code" and value else value
    return found


def test_minutes_of_a_real_cluster_are_read_once_it_is_nested_again() -> None:
    """The only large real log at hand. Its graceful deletions end nothing, and its tokens have no ids yet."""
    with gzip.open(Path(CORPORA) / "perfspec-k8s/audit-logs.first60.jsonl.gz") as lines:
        flat = [json.loads(line) for line in lines]
    reading = Kubernetes().read([json.dumps(nested(record)).encode() for record in flat], "cluster")
    assert (reading.rejected, reading.skipped) == ([], 0)
    names = Counter(record["user.username"] for record in flat)
    names[""] = names.pop("system:anonymous")  # nobody's credential was used
    assert Counter(row.principal for row in reading.rows) == names
    assert {row.use_index for row in reading.rows} == {0}
    requested = [record for record in flat if record["objectRef.subresource"] == "token"]
    removed = [record for record in flat if (record["verb"], record["objectRef.resource"]) == ("delete", "pods")]
    assert (len(requested), len(removed)) == (31, 4)
