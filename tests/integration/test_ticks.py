"""Time goes on in raw partitions that have nothing to say: an incident ends although nobody speaks any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment, scan, until
from tests.integration.logs import fleets
from tests.integration.running import running

pytestmark = pytest.mark.kafka

INACTIVITY, LATENESS = 5.0, 1.0


async def test_an_idle_partition_closes_its_incidents_by_ticks(
    broker: Cluster, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """A thief's last use is the last record there is; another raw partition never speaks, and holds nothing up."""
    log = fleets((2,)).ending_at(datetime.now(UTC))
    last_use = log.truth.thefts[0].event_ids[-1]
    timing = {"inactivity_seconds": INACTIVITY, "lateness_seconds": LATENESS}
    deployment = Deployment(broker, tmp_path, raw=(2,), settings={"timing": timing})
    config = deployment.write()

    def is_closed() -> bool:
        last = [record.alert for record in deployment.alerts()][-1:]
        return any(alert.status == "closed" and last_use in alert.evidence.event_ids for alert in last)

    deployment.fill(log.records)
    async with running(config) as run:
        await until(is_closed, "the last incident to be closed")
        assert await run.terminated() == 0
    alerts = deployment.alerts()
    waited = (alerts[-1].time - deployment.read(deployment.raws[0])[-1].time) / 1000
    figure(f"ticks: closed {waited:.1f} s after the last record")
    assert waited > INACTIVITY
    words = ("--format", "blocks", await deployment.dumped(tmp_path / "dump"), "--config", config)
    assert Counter(await scan(tmp_path / "scan", *words)) == Counter(record.value for record in alerts)
