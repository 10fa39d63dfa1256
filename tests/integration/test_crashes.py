"""A process dies, the broker dies or takes no records: nothing is lost, and what is repeated is the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from detector.alert import decode
from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment, Record, scan, until
from tests.integration.logs import Log, fleets
from tests.integration.running import running

pytestmark = pytest.mark.kafka

USES = 6  # the thefts lie in four of them


@pytest.fixture(scope="module")
def log() -> Log:
    return fleets((2, 3, 4, 5))


@pytest.fixture(scope="module")
def undisturbed(log: Log, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The ids of a run that nobody disturbs: those of `scan`, as tests/integration/test_exactness.py shows."""
    folder = tmp_path_factory.mktemp("scan")
    lines = asyncio.run(scan(folder / "alerts", log.file(folder), "--partitions", str(USES)))
    return {decode(line).id for line in lines}


def each_once(alerts: Iterable[Record]) -> set[str]:
    """The ids; fails when two alerts of one id differ by a byte."""
    found: dict[str, bytes] = {}
    for record in alerts:
        assert found.setdefault(record.alert.id, record.value) == record.value, "a repeat must be the same alert"
    return set(found)


async def test_kill_9_of_ingest_and_of_detect_loses_nothing_and_repeats_only_the_same_alerts(
    broker: Cluster, tmp_path: Path, log: Log, undisturbed: set[str], figure: Callable[[str], None]
) -> None:
    deployment = Deployment(broker, tmp_path, uses=USES, kafka={"session_timeout_seconds": 2})
    deployment.fill(log.records)
    config = deployment.write()
    for blocks in (1, 5, 12):
        there = await asyncio.to_thread(deployment.written)
        async with running(config, "--roles", "ingest") as run:
            await until(lambda: deployment.written() >= there + blocks, f"{blocks} blocks", look=0.01)  # noqa: B023
            await run.killed()
        assert deployment.lag("ingest") > 0, "it was not in the middle"
    async with running(config, "--roles", "ingest") as run:
        await deployment.until_ingested()
        assert await run.terminated() == 0

    for moment in ("alert written", "rebalanced", "alert written"):
        async with running(config, "--roles", "detect") as run:
            await run.line(moment)
            await run.killed()
        assert deployment.lag("detect") > 0, "it was not in the middle"
    async with running(config, "--roles", "detect") as run:
        await until(lambda: deployment.lag("detect") == 0, "detect to read uses to its end")
        resent = await run.metric('detector_uses_total{outcome="resent"}')
        assert await run.terminated() == 0

    alerts = deployment.alerts()
    figure(f"crashes: {resent:.0f} rows re-sent, {len(alerts)} alerts, {len(undisturbed)} ids")
    assert resent > 0, "no row was written twice: it was not killed between a block and its commit"
    assert each_once(alerts) == undisturbed
    words = ("--format", "blocks", await deployment.dumped(tmp_path / "dump"), "--config", config)
    assert Counter(await scan(tmp_path / "alerts", *words)) == Counter({record.value for record in alerts})


async def test_a_broker_lost_in_the_middle_is_waited_for_and_nothing_is_lost(
    broker: Cluster, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, log: Log, undisturbed: set[str]
) -> None:
    if not broker.nodes:
        pytest.skip("the broker is not ours to kill")
    own = Cluster.start(1, tmp_path_factory.mktemp("lost"))
    try:
        deployment = Deployment(own, tmp_path, uses=USES)
        half = len(log.records) * 9 // 10
        deployment.fill(log.records[:half])
        async with running(deployment.write()) as run:
            await run.line("alert written")
            own.nodes[0].kill()
            assert (await run.line("stream retried"))["level"] == "warning"
            assert (await run.get("/readyz"))[0] == 503
            assert (await run.get("/healthz"))[0] == 200
            await asyncio.to_thread(own.restart, own.nodes[0])
            await asyncio.to_thread(deployment.fill, log.records[half:])
            await deployment.until_decided()
            assert (await run.get("/readyz"))[0] == 200
            assert await run.terminated() == 0
        assert each_once(deployment.alerts()) == undisturbed
    finally:
        own.stop()


async def test_while_a_topic_takes_no_records_memory_is_bounded_and_then_everything_goes_on(
    three_brokers: Cluster, tmp_path: Path, log: Log, undisturbed: set[str], figure: Callable[[str], None]
) -> None:
    """First alerts, which stops detect alone; then uses, which stops ingest before a backlog of a hundred megabytes.

    Both have a replica on a broker that is gone, and refuse records while they want two.
    """
    own = {"alerts": [1, 3], "uses": [1, 3], "raw0": [1, 2], "control": [1, 2], "dead_letters": [1, 2]}
    deployment = Deployment(three_brokers, tmp_path, uses=USES, replicas=own)
    deployment.configure("uses", min_insync_replicas="1")
    three_brokers.nodes[2].kill()
    await until(lambda: len(deployment.admin.list_topics(timeout=10).brokers) == 2, "the broker to be missed")
    deployment.fill(log.records)
    async with running(deployment.write()) as run:
        alerts = deployment.topic("alerts")
        await until(lambda: any(alerts in line["event"] for line in run.lines), "the client to tell of a refusal")
        await deployment.until_ingested()
        deployment.configure("uses", min_insync_replicas="2")
        before, written, stuck = run.memory, deployment.written(), deployment.committed("detect")
        again = log.records[-1].removesuffix(b"}") + b',"padding":"%s"}' % (b"x" * 100_000)
        await asyncio.to_thread(deployment.fill, [again] * 1_000)
        await asyncio.sleep(3)  # memory that is not bounded grows by itself
        grown = run.memory - before
        assert deployment.lag("ingest") > 900
        assert deployment.lag("detect") > 0
        assert deployment.alerts() == []
        assert deployment.committed("detect") == stuck
        assert deployment.written() - written < 2 * USES, "a tick may have been on its way"
        assert (await run.get("/healthz"))[0] == 200

        deployment.configure("uses", min_insync_replicas="1")
        deployment.configure("alerts", min_insync_replicas="1")
        await deployment.until_decided()
        assert await run.terminated() == 0
    figure(f"back-pressure: {before / 1e6:.0f} MB, {grown / 1e6:+.1f} MB while 100 MB waited")
    assert grown < 32e6
    assert each_once(deployment.alerts()) == undisturbed
