"""What must be compared meets in one partition of uses, however producers keyed it: a realm's uses and its facts."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.alert import Alert
from detector.domain import DAY, HOUR, MINUTE, SECOND, UseRow
from detector.runtime.reading import RawPartition
from detector.stream.base import Partition
from tests.detections.cluster import address_of, kubelet, pod
from tests.detections.scenario import START
from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment
from tests.integration.logs import fleets
from tests.integration.running import CHUNK, balanced, in_step, running, terminated

pytestmark = pytest.mark.kafka

NODES = 4
TWO_ROUNDS = 2 * NODES  # of the kubelets: twenty minutes of a small log
STOLEN = START + 2 * DAY


async def decided(
    deployment: Deployment, records: list[tuple[int, bytes]], history: int, chunk: int, **kafka: Any
) -> list[Alert]:
    """The alerts that two processes decide of (partition, record), each of them reading one of two raw partitions.

    After the first `history` records no more than `chunk` of them may pass each other.
    """
    config = deployment.write(kafka=kafka)
    async with AsyncExitStack() as stack:
        runs = [
            await stack.enter_async_context(running(config, "--roles", "ingest,detect", "--name", name))
            for name in "ab"
        ]
        for role in ("ingest", "detect"):
            await balanced(deployment.group(role), *runs)
        owners = [{at for at in run.owned(deployment.group("ingest")) if at[0] in deployment.raws} for run in runs]
        assert [len(owned) for owned in owners] == [1, 1]
        (raw,) = deployment.raws
        placed = [(raw, number, record) for number, record in records]
        await in_step(deployment, placed[:history], runs)
        await in_step(deployment, placed[history:], runs, chunk)
        await deployment.until_decided()
        assert await terminated(*runs) == [0, 0]
    return [record.alert for record in deployment.alerts()]


def apart(broker: Cluster, folder: Path) -> Deployment:
    """Two raw partitions whose rows `routing: raw` keeps in two partitions of uses."""
    while True:
        found = Deployment(broker, folder, raw=(2,), uses=2)
        raw = [RawPartition(Partition(found.raws[0], number), 1, 0).identity % found.uses for number in (0, 1)]
        if set(raw) == {0, 1}:
            return found


@pytest.mark.parametrize(("routing", "found"), [("realm", 1), ("raw", 0)])
async def test_a_replay_split_over_two_workers_is_seen_by_realm_and_missed_by_raw_partition(
    broker: Cluster, tmp_path: Path, routing: str, found: int
) -> None:
    log = fleets((2,))
    stolen = log.truth.malicious
    split = [(int(json.loads(record)["eventID"] in stolen), record) for record in log.records]
    assert 1 < sum(number for number, _ in split) < 20, "the thief's uses, and nothing else, stand in partition 1"
    alerts = await decided(apart(broker, tmp_path), split, 0, CHUNK, routing=routing)
    assert len(log.score(alerts).found) == found


@pytest.mark.parametrize(("routing", "found"), [("realm", ["prod-cluster"]), ("raw", [])])
async def test_pods_and_the_kubelets_that_say_where_they_run_meet_by_realm(
    broker: Cluster, tmp_path: Path, routing: str, found: list[str]
) -> None:
    deployment = apart(broker, tmp_path)
    raw = {deployment.raws[0]: {"source": "kubernetes", "realm": "prod-cluster"}}
    rows = cluster()
    split = [(int("kubelet" not in row.client), audited(row, at)) for at, row in enumerate(rows)]
    history = sum(row.time < STOLEN - HOUR for row in rows)
    alerts = await decided(deployment, split, history, TWO_ROUNDS, routing=routing, raw=raw)
    proven = {alert.incident_id: alert for alert in alerts if "replay.binding_violation" in alert.detections}
    assert [alert.realm for alert in proven.values()] == found


def cluster() -> list[UseRow]:
    """Two days of four nodes with a pod on each; then the token of one is used on another node, by the same client."""
    rows = [pod(STOLEN + turn * 3 * MINUTE, address=address_of(1)) for turn in range(1, 6)]
    for at in range(START, STOLEN + HOUR, 10 * MINUTE):
        rows += [kubelet(at + node * SECOND, node) for node in range(NODES)]
        if at % (30 * MINUTE) == 0:
            rows += [pod(at + MINUTE + node * SECOND, node) for node in range(NODES)]
    return sorted(rows, key=lambda row: row.time)


def audited(row: UseRow, number: int) -> bytes:
    """A row of a kubelet or a pod as the API server logs the request."""
    prefix = "authentication.kubernetes.io"
    extra = {f"{prefix}/credential-id": [row.credential]}
    if row.instance:
        extra |= {f"{prefix}/pod-name": [row.instance.partition("/")[2]], f"{prefix}/pod-uid": [row.session],
                  f"{prefix}/node-name": [row.node]}  # fmt: skip
    verb, _, resource = row.action.partition(":")[2].partition(" ")
    name, _, part = resource.partition("/")
    time = datetime.fromtimestamp(row.time / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-4000-8000-{number:012d}",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": row.principal, "extra": extra},
        "sourceIPs": [row.address],
        "userAgent": row.client,
        "objectRef": {"resource": name, "subresource": part, "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": time,
        "stageTimestamp": time,
    }
    return json.dumps(event).encode()
