"""Sinks are groups of their own: one that is away changes nothing for others, and gets everything when it is back."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from detector.alert import Alert, decode
from tests.integration.broker import Cluster
from tests.integration.deployment import Deployment, until
from tests.integration.logs import fleets
from tests.integration.running import running
from tests.receiver import SECRET, Receiver, receiving

pytestmark = pytest.mark.kafka


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        port: int = held.getsockname()[1]
        return port


def verified(receiver: Receiver) -> list[Alert]:
    """What a receiver accepted, each signature checked by the standard's own library."""
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, dict(request.headers))
    return [decode(body) for body in receiver.accepted]


async def test_a_dead_webhook_changes_nothing_for_anybody_and_gets_everything_when_it_is_back(
    broker: Cluster, tmp_path: Path
) -> None:
    port, archive = free_port(), tmp_path / "alerts.ndjson"
    sinks = {
        "archive": {"type": "ndjson_file", "target": str(archive)},
        "soc": {"type": "webhook", "target": f"http://127.0.0.1:{port}/hook", "secrets": [SECRET]},
    }
    deployment = Deployment(broker, tmp_path, uses=2, settings={"sinks": sinks})
    deployment.fill(fleets((2, 3)).records)
    async with running(deployment.write()) as run:
        assert (await run.line("started"))["roles"] == ["ingest", "detect", "deliver-archive", "deliver-soc"]
        await run.line("delivery retried")
        await deployment.until_decided()
        await until(lambda: deployment.lag("deliver-archive") == 0, "the file to be complete")
        written = [record.value for record in deployment.alerts()]
        assert len(written) > 4
        assert archive.read_bytes().splitlines() == written
        assert deployment.lag("deliver-soc") == len(written)
        assert (await run.get("/healthz"))[0] == 200

        async with receiving("/hook", port=port) as receiver:
            await until(lambda: deployment.lag("deliver-soc") == 0, "the webhook to be served")
            assert receiver.accepted == written
            assert verified(receiver) == [decode(value) for value in written]

            incident = decode(written[0]).incident_id
            await deployment.command("feedback", "benign", incident, "--reason", "planned failover", "--author", "ada")
            await until(lambda: len(deployment.alerts()) > len(written), "the verdict to be obeyed")
            for sink in ("archive", "soc"):
                await until(lambda: deployment.lag(f"deliver-{sink}") == 0, f"{sink} to get the verdict")  # noqa: B023
            last = verified(receiver)[-1]
        assert await run.terminated() == 0
    assert (last.incident_id, last.status, last.verdict) == (incident, "closed", "benign")
    assert last.close_reason == "benign, says ada: planned failover"
    assert [json.loads(line)["id"] for line in archive.read_bytes().splitlines()][-1] == last.id
