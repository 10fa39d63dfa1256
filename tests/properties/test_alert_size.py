"""Whoever writes into a log must not be able to make an alert that no broker takes: it would stop the detector.

Every text here is as long as the sources keep it, of characters that JSON writes in six bytes.
"""

from __future__ import annotations

import json

import pytest

from detector import sources
from detector.alert import Alert, encode
from detector.decode import Decoder, RawRecord
from detector.detections.base import load_detections
from detector.domain import HOUR, MINUTE, SECOND
from detector.pipeline import Configuration, Pipeline
from detector.records import TEXT_LIMIT
from detector.registry import members
from detector.runtime.outgoing import outgoing
from detector.sources.base import Source
from detector.stream.kafka.producer import MAX_VALUE_BYTES
from tests.detections.scenario import BOTO, CLI, START, THEFT, bundle

LONGEST_PATH = 4096  # bytes, of a file's name


def longest(number: int | str) -> str:
    return str(number).ljust(TEXT_LIMIT, "\x01")


def longest_agent(product: str) -> str:
    return f"{product} " + "\x01" * TEXT_LIMIT


def record(at: int, number: int, *, thief: bool) -> bytes:
    """A use by an instance session, by its owner or by the thief, with a credential of its own."""
    told = {
        "time": at / SECOND, "native_id": longest(number), "credential": longest(f"key {number}"),
        "kind": "aws.session/instance", "outcome": "allowed", "activity": "use", "actor_class": "workload",
        "address": "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe" if thief else "198.51.100.20",
        "client": longest_agent(CLI if thief else BOTO), "delivery": "1.0" if thief else "2.0",
    } | {
        name: longest(name)
        for name in (
            "realm", "account", "principal", "session", "peer_group", "issuer", "instance", "node", "channel", "region",
            "action", "resource", "error",
        )
    }  # fmt: skip
    return json.dumps(told).encode()


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    """A week of an instance session, then 150 uses by its thief, each as large as can be."""
    history = [record(START + at * 3 * HOUR, at, thief=False) for at in range(56)]
    theft = [record(THEFT + at * MINUTE, 1_000 + at, thief=at % 2 == 1) for at in range(300)]
    values = history + theft
    name = "\x01" * LONGEST_PATH
    decoder = Decoder({name: source() for name, source in members(sources, Source).items()})
    batch, rejected = decoder.decode([RawRecord(value, name, at) for at, value in enumerate(values)])
    assert rejected == []
    return [found.alert for found in Pipeline(bundle(), Configuration.of(load_detections())).process(batch)]


def test_the_largest_alert_is_below_what_a_broker_takes(alerts: list[Alert]) -> None:
    sizes = []
    for alert in alerts:
        record = outgoing("alerts", alert)
        headers = sum(len(name) + len(value) for name, value in record.headers)
        sizes.append(len(record.key or b"") + len(record.value or b"") + headers)
    assert max(sizes) < MAX_VALUE_BYTES - 10_000  # room for the frame of a record
    assert max(sizes) > MAX_VALUE_BYTES // 10, "texts that do not arrive in the alert would prove nothing"


def test_what_is_left_out_is_said(alerts: list[Alert]) -> None:
    evidence = alerts[-1].evidence
    assert evidence.truncated
    assert 0 < len(evidence.event_ids) < evidence.event_count
    assert len(evidence.event_ids) == len(evidence.source_refs)
    assert encode(alerts[-1])
