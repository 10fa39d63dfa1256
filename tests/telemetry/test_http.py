from __future__ import annotations

import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from detector import __version__
from detector.errors import ConfigError
from detector.telemetry.events import RecordsRejected
from detector.telemetry.http import STALLED_SECONDS, Endpoint, Health, Healths, serve
from detector.telemetry.metrics import Metrics


async def get(endpoint: Endpoint, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(endpoint.url + path) as response:
        return response.status, response.content_type, await response.text()


async def test_metrics_are_served_as_the_registry_has_them() -> None:
    metrics = Metrics()
    metrics(RecordsRejected({"json": 3}, "dead.ndjson"))
    async with serve(metrics.registry, Health(), "127.0.0.1", 0) as endpoint:
        status, kind, text = await get(endpoint, "/metrics")
    assert (status, kind) == (200, "text/plain")
    assert 'detector_dead_letters_total{reason="json"} 3.0' in text


async def test_port_zero_takes_a_free_port_and_says_which() -> None:
    async with (
        serve(CollectorRegistry(), Health(), "127.0.0.1", 0) as first,
        serve(CollectorRegistry(), Health(), "127.0.0.1", 0) as second,
    ):
        assert first.port != second.port
        assert (await get(second, "/version"))[0] == 200


async def test_readiness_follows_the_service_and_says_why_not() -> None:
    health = Health()
    async with serve(CollectorRegistry(), health, "127.0.0.1", 0) as endpoint:
        assert await get(endpoint, "/readyz") == (503, "text/plain", "starting\n")
        health.ready()
        assert await get(endpoint, "/readyz") == (200, "text/plain", "ok\n")
        health.not_ready("stopping")
        assert await get(endpoint, "/readyz") == (503, "text/plain", "stopping\n")


async def test_a_service_without_a_step_for_a_minute_is_unhealthy_until_the_next() -> None:
    now = [0.0]
    health = Health(clock=lambda: now[0])
    async with serve(CollectorRegistry(), health, "127.0.0.1", 0) as endpoint:
        now[0] = STALLED_SECONDS
        assert (await get(endpoint, "/healthz"))[0] == 200
        now[0] += 1
        status, _, text = await get(endpoint, "/healthz")
        assert status == 503
        assert "no step for 61 s" in text
        health.beat()
        assert (await get(endpoint, "/healthz"))[0] == 200


async def test_version_is_that_of_the_package() -> None:
    async with serve(CollectorRegistry(), Health(), "127.0.0.1", 0) as endpoint:
        status, kind, text = await get(endpoint, "/version")
    assert (status, kind) == (200, "application/json")
    assert f'"version": "{__version__}"' in text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104 - it must be refused
async def test_an_address_beyond_this_machine_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"http\.host"):
        async with serve(CollectorRegistry(), Health(), host, 0):
            pass


async def test_a_taken_port_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*another http\.port"):
            async with serve(CollectorRegistry(), Health(), "127.0.0.1", port):
                pass


def test_an_ipv6_address_is_bracketed_in_the_url() -> None:
    assert Endpoint("::1", 9464).url == "http://[::1]:9464"


# --- several roles in one process ------------------------------------------------------------------------------------


async def test_a_process_whose_roles_are_not_made_yet_is_starting() -> None:
    health = Healths()
    async with serve(CollectorRegistry(), health, "127.0.0.1", 0) as endpoint:
        assert await get(endpoint, "/readyz") == (503, "text/plain", "starting\n")
        assert (await get(endpoint, "/healthz"))[0] == 200
        health.of("ingest").ready()
        assert await get(endpoint, "/readyz") == (200, "text/plain", "ok\n")


def test_a_process_is_ready_when_every_role_is_and_says_which_are_not() -> None:
    health = Healths()
    roles = [health.of(name) for name in ("ingest", "detect", "deliver-soc")]
    assert health.unready() == "ingest: starting; detect: starting; deliver-soc: starting"
    roles[0].ready()
    roles[1].not_ready("replaying")
    roles[2].ready()
    assert health.unready() == "detect: replaying"
    roles[1].ready()
    assert health.unready() == ""


def test_the_health_of_a_role_is_one_whoever_asks() -> None:
    health = Healths()
    assert health.of("ingest") is health.of("ingest")
    assert health.of("ingest") is not health.of("detect")


def test_one_role_without_a_step_makes_the_process_unhealthy() -> None:
    now = [0.0]
    health = Healths(clock=lambda: now[0])
    working, stuck = health.of("ingest"), health.of("detect")
    now[0] = STALLED_SECONDS + 1
    working.beat()
    assert health.unhealthy() == "detect: no step for 61 s, expected one within 60 s"
    stuck.beat()
    assert health.unhealthy() == ""
