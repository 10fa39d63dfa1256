"""As from files, so from Kafka: the same bytes from a log of uses, the same ids in one order, all thefts in any."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from detector.alert import Alert, decode
from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment, Record, scan, until
from tests.integration.logs import Log, fleets
from tests.integration.running import balanced, in_step, running, terminated

pytestmark = pytest.mark.kafka

THEFTS = range(2, 10)  # seeds, one theft each
IN_STEP = 200  # records of two raw topics that may pass each other: half an hour of this log; ten minutes may be late
USES = 4


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> list[Alert]:
    """The alerts of the log as a file, by as many shards as uses has partitions."""
    folder = tmp_path_factory.mktemp("scan")
    lines = asyncio.run(scan(folder / "alerts", fleets(THEFTS).file(folder), "--partitions", str(USES)))
    return [decode(line) for line in lines]


@dataclass(frozen=True)
class Scaled:
    """What two processes of ingest and two of detect made of logs that were keyed at random."""

    deployment: Deployment
    config: Path
    log: Log
    alerts: list[Record]


@pytest.fixture(scope="module")
def scaled(broker: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Scaled:
    folder = tmp_path_factory.mktemp("scaled")
    return asyncio.run(_scaled(Deployment(broker, folder, raw=(2, 2), uses=USES), fleets(THEFTS)))


async def _scaled(deployment: Deployment, log: Log) -> Scaled:
    config = deployment.write()
    async with AsyncExitStack() as stack:
        ingest, detect = [
            [await stack.enter_async_context(running(config, "--roles", role, "--name", name)) for name in "ab"]
            for role in ("ingest", "detect")
        ]
        await balanced(deployment.group("ingest"), *ingest)
        await balanced(deployment.group("detect"), *detect)
        chance = random.Random(1)  # noqa: S311 - a key of a producer, not of a cipher
        places = sorted(deployment.ends(*deployment.raws))
        await in_step(deployment, [(*chance.choice(places), record) for record in log.records], ingest, IN_STEP)
        await deployment.until_ingested()
        assert await terminated(*ingest) == [0, 0]
        await until(lambda: deployment.lag("detect") == 0, "detect to read uses to its end")
        assert await terminated(*detect) == [0, 0]
    return Scaled(deployment, config, log, deployment.alerts())


# --- same log, same bytes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dump(scaled: Scaled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(scaled.deployment.dumped(tmp_path_factory.mktemp("dump")))


@pytest.mark.parametrize("size", [7, 512, 4096])
async def test_a_scan_of_the_dump_of_uses_gives_the_alerts_of_the_run_byte_for_byte(
    scaled: Scaled, dump: Path, tmp_path: Path, size: int
) -> None:
    words = ("--format", "blocks", dump, "--config", scaled.config, "--batch-size", str(size))
    assert Counter(await scan(tmp_path / "alerts", *words)) == Counter(record.value for record in scaled.alerts)
    assert len(scaled.alerts) > len(THEFTS)


def test_the_work_was_shared_by_two_workers_of_each_role(scaled: Scaled, dump: Path) -> None:
    sizes = [path.stat().st_size for path in sorted(dump.glob("*.blocks"))]
    assert len(sizes) == scaled.deployment.uses
    assert sum(size > 10_000 for size in sizes) > 1, "realms in one partition only would prove little"


def test_alerts_are_keyed_by_incident_and_carry_cloudevents_headers(scaled: Scaled) -> None:
    raws = tuple(f"{raw}/" for raw in scaled.deployment.raws)
    for record in scaled.alerts:
        alert = record.alert
        assert record.key.decode() == alert.incident_id
        assert record.headers["ce_specversion"] == "1.0"
        assert record.headers["ce_id"] == alert.id
        assert record.headers["ce_type"] == "detector.alert.1"
        assert record.headers["ce_source"] == alert.realm
        assert record.headers["ce_time"] == alert.time
        assert record.headers["content-type"] == "application/json"
        assert all(ref.startswith(raws) for ref in alert.evidence.source_refs)


# --- any order -------------------------------------------------------------------------------------------------------


def test_every_theft_is_one_incident_whatever_the_order_of_the_raw_topics(scaled: Scaled) -> None:
    result = scaled.log.score([record.alert for record in scaled.alerts])
    assert result.missed == ()
    assert len({match.first.incident_id for match in result.found}) == len(THEFTS)
    stolen = scaled.log.truth.malicious
    told = {
        record.alert.incident_id for record in scaled.alerts if not stolen.isdisjoint(record.alert.evidence.event_ids)
    }
    assert len(told) == len(THEFTS), "a theft was told as two incidents"


def test_the_incidents_of_any_order_are_those_of_scan(
    scaled: Scaled, scanned: list[Alert], figure: Callable[[str], None]
) -> None:
    run, files = incidents([record.alert for record in scaled.alerts]), incidents(scanned)
    alone = [one for one in run if not any(overlap(one, other) for other in files)]
    alone += [one for one in files if not any(overlap(one, other) for other in run)]
    part = len(alone) / (len(run) + len(files))
    figure(f"any order: {len(run)} incidents, scan {len(files)}, symmetric difference {part:.1%}")
    assert part <= 0.01, alone


def incidents(alerts: Sequence[Alert]) -> list[Alert]:
    """The last revision of each incident."""
    return list({alert.incident_id: alert for alert in alerts}.values())


def overlap(one: Alert, other: Alert) -> bool:
    """Whether two incidents speak of the same principal at the same time."""
    return (
        (one.realm, one.credential.principal) == (other.realm, other.credential.principal)
        and one.start_time <= other.end_time
        and other.start_time <= one.end_time
    )


# --- same order, same ids --------------------------------------------------------------------------------------------


async def test_a_raw_partition_in_the_order_of_scan_gives_the_ids_of_scan(
    broker: Cluster, tmp_path: Path, scanned: list[Alert]
) -> None:
    """No alert says `closed`: the log ends hours before an incident is over, and ticks add only what time passes."""
    log = fleets(THEFTS)
    deployment = Deployment(broker, tmp_path, uses=USES)
    deployment.fill(log.records)
    async with running(deployment.write()) as run:
        await deployment.until_decided()
        assert await run.terminated() == 0
    assert ids([record.alert for record in deployment.alerts()]) == ids(scanned)
    assert len(log.score(scanned).found) == len(THEFTS)


def ids(alerts: Sequence[Alert]) -> dict[str, list[str]]:
    """Incident → ids of its revisions in order; what other incidents are told between them does not count."""
    ordered = sorted(alerts, key=lambda alert: alert.incident_id)
    return {incident: [one.id for one in some] for incident, some in groupby(ordered, lambda one: one.incident_id)}
