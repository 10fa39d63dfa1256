"""Replays planted into real logs are found and explained; handovers, and everything AWS does itself, are quiet."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.alert import Alert
from detector.runtime.scan import open_scan
from detector.settings import load_settings
from tests.corpora.planted import Planted, cloudtrail_files, plant

pytestmark = pytest.mark.corpora


@pytest.fixture(scope="module")
def planted(corpora: Path) -> Planted:
    return plant(corpora)


@pytest.fixture(scope="module")
def log(corpora: Path, planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real CloudTrail records and the planted ones in one file."""
    lines = [line for file in cloudtrail_files(corpora) for line in file.read_bytes().splitlines() if line.strip()]
    path = tmp_path_factory.mktemp("planted") / "all.jsonl"
    path.write_bytes(b"\n".join(lines + planted.lines) + b"\n")
    return path


def scan(path: Path, batch_size: int = 4096) -> list[Alert]:
    found = open_scan(load_settings(None, {}), [str(path)], batch_size=batch_size)
    return [alert for step in found.steps() for alert in step.alerts]


@pytest.fixture(scope="module")
def alerts(log: Path) -> list[Alert]:
    return scan(log)


def about(alerts: list[Alert], principal: str) -> list[Alert]:
    return [alert for alert in alerts if alert.credential.principal.split("/")[-1].split("#")[0] == principal]


def test_every_replay_is_one_incident_that_names_the_thief(alerts: list[Alert], planted: Planted) -> None:
    for principal, thief in planted.replayed.items():
        found = about(alerts, principal)
        assert len({alert.incident_id for alert in found}) == 1, principal
        last = found[-1]
        assert last.src.ip == thief, principal
        assert any(thief in reason.observed for reason in last.reasons), principal
        assert any("python-requests" in reason.observed for reason in last.reasons), principal
        assert all(reason.expected for reason in last.reasons), principal
        assert sum(reason.contribution for reason in last.reasons) >= 10, principal


def test_replays_are_seen_at_the_first_malicious_use(alerts: list[Alert], planted: Planted) -> None:
    for principal, thief in planted.replayed.items():
        first = about(alerts, principal)[0]
        assert (first.evidence.event_count, first.src.ip) == (1, thief), principal


def test_instance_replays_are_named_as_what_they_are(alerts: list[Alert], planted: Planted) -> None:
    for principal in planted.replayed:
        if principal.startswith("instance"):
            assert about(alerts, principal)[-1].detection == "replay.binding_violation"


def test_no_handover_is_an_incident(alerts: list[Alert], planted: Planted) -> None:
    assert len(planted.handed_over) == 15
    assert [about(alerts, principal) for principal in planted.handed_over] == [[]] * 15


def test_aws_on_behalf_and_refused_services_raise_nothing(alerts: list[Alert], corpora: Path) -> None:
    services = {record["eventID"] for record in records(corpora) if record.get("eventID") and is_service(record)}
    assert len(services) > 20
    assert services.isdisjoint(event for alert in alerts for event in alert.evidence.event_ids)


def records(corpora: Path) -> Iterator[dict[str, Any]]:
    for file in cloudtrail_files(corpora):
        for line in file.read_text().splitlines():
            top = json.loads(line)
            yield from top.get("Records") or [top.get("detail") or top]


def is_service(record: dict[str, Any]) -> bool:
    address = str(record.get("sourceIPAddress", ""))
    identity = record.get("userIdentity")
    by = str(identity.get("invokedBy", "")) if isinstance(identity, dict) else ""
    return address.endswith(".amazonaws.com") or address == "AWS Internal" or by.endswith(".amazonaws.com")


@pytest.mark.parametrize("batch_size", [1, 7, 512])
def test_the_batch_size_changes_no_id(log: Path, alerts: list[Alert], batch_size: int) -> None:
    assert [alert.id for alert in scan(log, batch_size)] == [alert.id for alert in alerts]


def test_shuffled_lines_change_no_id(log: Path, alerts: list[Alert], tmp_path: Path) -> None:
    lines = log.read_bytes().splitlines()
    random.Random(1).shuffle(lines)  # noqa: S311 - an order, not a secret
    (tmp_path / "shuffled.jsonl").write_bytes(b"\n".join(lines))
    assert [alert.id for alert in scan(tmp_path / "shuffled.jsonl")] == [alert.id for alert in alerts]
