"""The life of `detector run`: started, asked by probes, drained, started again, refused, supervised."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from detector import __version__
from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment, Record, until
from tests.integration.logs import Log, fleets
from tests.integration.running import Running, running, workers

pytestmark = pytest.mark.kafka

REJECTED = {1: b"not json", 3: b"[1,2", 5: b"\xff\xfe"}  # by their offsets


@dataclass(frozen=True)
class Life:
    """What was seen of a worker that was drained in the middle of a log, and of the one that went on."""

    deployment: Deployment
    drained: Running
    code: int
    seconds: float  # from SIGTERM to the end
    lag: int  # of ingest after the drain
    pages: dict[str, tuple[int, str]]  # of the second worker, when everything was read
    alerts: list[Record]
    dead_letters: list[dict[str, Any]]


@pytest.fixture(scope="module")
def log() -> Log:
    return fleets((2, 3))


@pytest.fixture(scope="module")
def life(broker: Cluster, tmp_path_factory: pytest.TempPathFactory, log: Log) -> Life:
    return asyncio.run(_lived(Deployment(broker, tmp_path_factory.mktemp("life"), uses=2), log))


async def _lived(deployment: Deployment, log: Log) -> Life:
    records = list(log.records)
    for offset, value in REJECTED.items():
        records.insert(offset, value)
    config = deployment.write()
    deployment.fill(records)
    async with running(config) as first:
        await until(lambda: deployment.written() > 1, "the first blocks", look=0.01)
        started = time.monotonic()
        code = await first.terminated()
        seconds = time.monotonic() - started
    lag = deployment.lag("ingest")
    async with running(config) as second:
        await deployment.until_decided()
        await second.measures("detector_kafka_lag{")
        pages = {page: await second.get(page) for page in ("/healthz", "/readyz", "/version", "/metrics")}
        assert await second.terminated() == 0
    letters = [json.loads(record.value) for record in deployment.read(deployment.topic("dead_letters"))]
    return Life(deployment, first, code, seconds, lag, pages, deployment.alerts(), letters)


def test_sigterm_in_the_middle_drains_within_ten_seconds_and_exits_0(life: Life) -> None:
    assert life.code == 0
    assert life.seconds < 10
    assert life.lag > 0, "it was not in the middle"
    assert life.drained.told("stopping")[0]["reason"] == "SIGTERM"
    assert life.drained.lines[-1]["event"] == "stopped"
    assert life.drained.said == []


def test_a_start_after_a_drain_repeats_nothing(life: Life, log: Log) -> None:
    ids = [record.alert.id for record in life.alerts]
    assert len(ids) == len(set(ids)) > 4
    assert 'detector_uses_total{outcome="resent"} 0.0' in life.pages["/metrics"][1]
    assert len(log.score([record.alert for record in life.alerts]).found) == 2


def test_rejected_records_are_told_once_with_their_place_and_never_their_bytes(life: Life) -> None:
    where = [(letter["role"], letter["stream"], letter["offset"]) for letter in life.dead_letters]
    assert where == [("ingest", f"{life.deployment.raws[0]}/0", offset) for offset in REJECTED]
    assert "not json" not in json.dumps(life.dead_letters)


def test_probes_and_metrics_are_served_while_it_runs(life: Life) -> None:
    assert life.pages["/healthz"] == (200, "ok\n")
    assert life.pages["/readyz"] == (200, "ok\n")
    assert json.loads(life.pages["/version"][1])["version"] == __version__
    status, page = life.pages["/metrics"]
    assert status == 200
    for topic, number in ((life.deployment.raws[0], 0), (life.deployment.topic("uses"), 1)):
        assert f'detector_kafka_committed_offset{{partition="{number}",topic="{topic}"}}' in page
    names = ("kafka_lag{", "loop_lag_seconds_bucket{", "model_info{", "block_rows_total ", "decision_seconds_bucket{")
    for name in (f"detector_{name}" for name in names):
        assert name in page
    assert "ASIA" not in page


async def test_records_lost_unread_are_refused_until_their_topic_has_a_new_generation(
    broker: Cluster, tmp_path: Path, log: Log
) -> None:
    deployment = Deployment(broker, tmp_path)
    deployment.fill(log.records[:20])
    async with running(deployment.write()) as run:
        await deployment.until_ingested()
        assert await run.terminated() == 0
    deployment.fill(log.records[20:60])
    deployment.delete_before(deployment.raws[0], 50)
    async with running(deployment.write()) as run:
        assert await run.ended() == 3
    (message,) = run.said
    assert f"{deployment.raws[0]}/0: expected to read on from offset 20" in message
    assert "30 unread records were deleted by retention" in message
    assert f"raise kafka.raw.{deployment.raws[0]}.generation to 2" in message

    async with running(deployment.write(kafka={"raw": {deployment.raws[0]: {"generation": 2}}})) as run:
        await deployment.until_decided()
        assert await run.metric("detector_events_total") == 10
        assert await run.metric('detector_uses_total{outcome="resent"}') == 0
        assert await run.terminated() == 0


async def test_a_first_start_at_the_latest_record_leaves_out_what_was_there(
    broker: Cluster, tmp_path: Path, log: Log
) -> None:
    deployment = Deployment(broker, tmp_path)
    deployment.fill(log.records[:50])
    latest = {deployment.raws[0]: {"start": "latest"}}
    async with running(deployment.write(kafka={"raw": latest})) as run:
        await deployment.until_ingested()
        deployment.fill(log.records[50:57])
        await deployment.until_decided()
        assert await run.metric("detector_events_total") == 7
        assert await run.terminated() == 0


async def test_two_workers_share_the_partitions_and_one_that_dies_ends_the_other_and_the_command(
    broker: Cluster, tmp_path: Path
) -> None:
    deployment = Deployment(broker, tmp_path, raw=(2,), uses=2)
    async with running(deployment.write(), "--workers", "2", "--name", "box") as run:
        started = [await run.line("started", number) for number in (1, 2)]
        assert {line["worker"] for line in started} == {"box-0", "box-1"}
        await until(lambda: shares(run, deployment.topic("uses")) == [1, 1], "both workers to own a partition of uses")
        first, second = workers(run.process.pid)
        os.kill(first, signal.SIGKILL)
        assert await run.ended() == 128 + signal.SIGKILL
        assert [line["reason"] for line in run.told("stopped")] == ["SIGTERM"]
    assert not alive(second)


async def test_workers_whose_parent_is_killed_drain(broker: Cluster, tmp_path: Path) -> None:
    async with running(Deployment(broker, tmp_path).write(), "--workers", "2") as run:
        await run.line("started", 2)
        await run.killed()
        assert [line["reason"] for line in run.told("stopped")] == ["the parent is gone"] * 2


def shares(run: Running, topic: str) -> list[int]:
    """How many partitions of a topic the last two assignments gave."""
    given = [line["partitions"][topic] for line in run.told("rebalanced") if topic in line["partitions"]]
    return [len(numbers) for numbers in given[-2:]]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
