"""`detector run` on a real broker: the same alerts as in process, whatever happens to the process or the broker."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

from detector import __version__, sources
from detector.alert import encode
from detector.bundle import load_bundle
from detector.decode import Decoder, RawRecord
from detector.detections.base import load_detections
from detector.pipeline import Emission, Pipeline
from detector.registry import members
from detector.resources import bundle_dir
from detector.runtime.scan import open_scan
from detector.settings import Settings
from detector.simulate.fleet import fleet
from detector.simulate.world import PRODUCTION, SHARED
from detector.sources.base import Source
from tests.integration.broker import Cluster
from tests.integration.conftest import NewTopicFactory, create_topic
from tests.integration.running import Workplace, running

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    """Four fleets in realms of their own, one theft in each, merged into one file in the order of a scan."""
    merged: list[tuple[int, bytes]] = []
    for seed in range(1, 5):
        simulated = fleet(seed, days=3, events_per_day=2_000)
        for second, record in zip(simulated.seconds.tolist(), simulated.records, strict=True):
            own = record.replace(PRODUCTION.encode(), b"%012d" % (seed * 1111)).replace(
                SHARED.encode(), b"%012d" % (seed * 2222)
            )
            merged.append((second, own))
    merged.sort(key=lambda entry: (entry[0], json.loads(entry[1])["eventID"]))
    return [record for _, record in merged]


def in_process(values: list[bytes]) -> list[Emission]:
    """The alerts of the same records without a broker, a clock or a thread."""
    decoder = Decoder({name: source() for name, source in members(sources, Source).items()})
    pipeline = Pipeline(load_bundle(bundle_dir("default")), load_detections(), config_hash=Settings().digest)
    batch, _ = decoder.decode([RawRecord(value, "raw/0", offset) for offset, value in enumerate(values)])
    return pipeline.process(batch)


@pytest.fixture(scope="module")
def decided(log: list[bytes]) -> list[Emission]:
    """The alerts of the undisturbed log, in order."""
    found = in_process(log)
    assert len(found) > 4, "a log without alerts would prove nothing"
    return found


@pytest.fixture(scope="module")
def expected(decided: list[Emission]) -> list[str]:
    return [emission.alert.id for emission in decided]


@pytest.fixture
def workplace(broker: Cluster, new_topic: NewTopicFactory, tmp_path: Path) -> Workplace:
    return Workplace(broker, new_topic("raw"), new_topic("alerts"), tmp_path)


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_a_topic_filled_in_scan_order_gives_the_ids_of_scan(
    workplace: Workplace, log: list[bytes], expected: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(log))
    scanned = open_scan(Settings(), [str(file)])
    assert [alert.id for step in scanned.steps() for alert in step.alerts] == expected
    workplace.fill(log)
    async with running(workplace.config) as run:
        await workplace.until_committed(len(log))
        assert await run.terminated() == 0
    assert [alert.id for alert, _, _ in workplace.written()] == expected


async def test_alerts_are_keyed_by_incident_and_carry_cloudevents_headers(
    workplace: Workplace, log: list[bytes], expected: list[str]
) -> None:
    workplace.fill(log)
    async with running(workplace.config) as run:
        await workplace.until_committed(len(log))
        assert await run.terminated() == 0
    for alert, key, headers in workplace.written():
        assert key.decode() == alert.incident_id
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_id"] == alert.id
        assert headers["ce_type"] == "detector.alert.1"
        assert headers["ce_source"] == alert.realm
        assert headers["ce_time"] == alert.time
        assert headers["content-type"] == "application/json"
        assert alert.evidence.source_refs[0].startswith(f"{workplace.raw}/0:")


async def test_kill_9_in_the_middle_loses_no_alert_and_changes_no_id(
    workplace: Workplace, log: list[bytes], expected: list[str]
) -> None:
    workplace.fill(log)
    for moment in ("alert written", "restored", "started", "alert written", "restored"):
        async with running(workplace.config) as run:
            await run.line(moment)
            await run.killed()
        assert workplace.committed() < len(log), "it was not in the middle"
    async with running(workplace.config) as run:
        await workplace.until_committed(len(log))
        assert await run.terminated() == 0
    written = workplace.written()
    assert {alert.id for alert, _, _ in written} == set(expected)
    lines: dict[str, set[bytes]] = {}
    for alert, _, _ in written:
        lines.setdefault(alert.id, set()).add(encode(alert))
    assert all(len(versions) == 1 for versions in lines.values()), "a repeat must be the same alert, byte for byte"


async def test_a_restart_after_a_drain_repeats_nothing(
    workplace: Workplace, log: list[bytes], decided: list[Emission], expected: list[str]
) -> None:
    half = decided[len(decided) // 2].raw_offset
    workplace.fill(log[:half])
    async with running(workplace.config) as run:
        await workplace.until_committed(half)
        assert await run.terminated() == 0
    assert 0 < len(workplace.written()) < len(expected)
    workplace.fill(log[half:])
    async with running(workplace.config) as run:
        restored = await run.line("restored")
        assert restored["records"] >= half
        await workplace.until_committed(len(log))
        assert await run.terminated() == 0
    assert [alert.id for alert, _, _ in workplace.written()] == expected


async def test_rejected_records_are_kept_with_their_position_and_only_once(
    workplace: Workplace, log: list[bytes]
) -> None:
    workplace.fill([log[0], b"not json", log[1], b"[1,2", log[2]])
    for filled in (5, 7):
        async with running(workplace.config) as run:
            await workplace.until_committed(filled)
            assert await run.terminated() == 0
        workplace.fill([b"\xff\xfe", log[3]])
    lines = [json.loads(line) for line in workplace.dead_letters.read_text().splitlines()]
    assert [(line["stream"], line["offset"]) for line in lines] == [(f"{workplace.raw}/0", at) for at in (1, 3, 5)]
    assert b"not json" not in workplace.dead_letters.read_bytes()


async def test_sigterm_drains_commits_and_exits_0(workplace: Workplace, log: list[bytes]) -> None:
    workplace.fill(log)
    async with running(workplace.config) as run:
        await run.line("started")
        started = time.monotonic()
        assert await run.terminated() == 0
        assert time.monotonic() - started < 10
    stopped = run.lines[-1]
    assert stopped["event"] == "stopped"
    assert sum(stopped["next_offsets"].values()) == workplace.committed()
    assert {alert.id for alert, _, _ in workplace.written()} == {
        emission.alert.id for emission in in_process(log[: workplace.committed()])
    }


async def test_probes_and_metrics_are_served_while_it_runs(workplace: Workplace, log: list[bytes]) -> None:
    workplace.fill([*log[:100], b"not json"])
    async with running(workplace.config) as run:
        url = (await run.line("started"))["url"]
        await workplace.until_committed(101)
        assert await get(f"{url}/healthz") == (200, "ok\n")
        assert await get(f"{url}/readyz") == (200, "ok\n")
        assert json.loads((await get(f"{url}/version"))[1])["version"] == __version__
        status, page = await get(f"{url}/metrics")
        assert await run.terminated() == 0
    assert status == 200
    assert 'detector_events_total{outcome="accepted",source="cloudtrail"} 100.0' in page
    assert 'detector_events_total{outcome="rejected",source="unknown"} 1.0' in page
    assert f'detector_kafka_lag{{partition="0",topic="{workplace.raw}"}} 0.0' in page
    assert "detector_model_info{" in page
    assert "ASIA" not in page


async def test_several_raw_partitions_are_all_read_and_the_unstable_order_is_said(
    broker: Cluster, new_topic: NewTopicFactory, tmp_path: Path, log: list[bytes]
) -> None:
    workplace = Workplace(broker, new_topic("raw", partitions=2), new_topic("alerts"), tmp_path, partitions=2)
    workplace.fill(log[:50], 0)
    workplace.fill(log[50:80], 1)
    async with running(workplace.config) as run:
        assert (await run.line("order unstable"))["level"] == "warning"
        await workplace.until_committed(80)
        assert await run.terminated() == 0


async def test_a_broker_lost_in_the_middle_is_waited_for_and_no_alert_is_lost(
    tmp_path_factory: pytest.TempPathFactory, broker: Cluster, log: list[bytes], expected: list[str]
) -> None:
    if not broker.nodes:
        pytest.skip("the broker is not ours to kill")
    own = Cluster.start(1, tmp_path_factory.mktemp("lost"))
    try:
        folder = tmp_path_factory.mktemp("run")
        workplace = Workplace(own, create_topic(own, "raw"), create_topic(own, "alerts"), folder)
        workplace.fill(log)
        async with running(workplace.config) as run:
            url = (await run.line("started"))["url"]
            await run.line("alert written")
            own.nodes[0].kill()
            assert (await run.line("stream retried"))["level"] == "warning"
            assert (await get(f"{url}/readyz"))[0] == 503
            assert (await get(f"{url}/healthz"))[0] == 200
            await asyncio.to_thread(own.restart, own.nodes[0])
            await workplace.until_committed(len(log))
            assert (await get(f"{url}/readyz"))[0] == 200
            assert await run.terminated() == 0
        assert {alert.id for alert, _, _ in workplace.written()} == set(expected)
    finally:
        own.stop()
