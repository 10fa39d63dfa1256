"""`/metrics`, `/healthz`, `/readyz` and `/version` on loopback.

    async with serve(metrics.registry, health, "127.0.0.1", 9464) as endpoint:
        ...  # endpoint.url is where it answers; port 0 asks for any free one

The page is plain and open to whoever can connect, so it refuses to listen anywhere but on this machine.
"""

from __future__ import annotations

import ipaddress
import platform
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from detector import __version__
from detector.errors import ConfigError

STALLED_SECONDS: Final = 60.0
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Probed(Protocol):
    """What the probes ask: texts that say why not, empty when all is well."""

    def unready(self) -> str:
        """Why not ready."""

    def unhealthy(self) -> str:
        """Why not healthy."""


class Health:
    """What the probes answer for one role. The role reports; the endpoint reads.

    *Ready* means assigned and restored, not free of lag. *Healthy* means that the role made a step lately: a process
    whose loop answers while its work hangs is not healthy. Waiting for a broker is a step, for a restart would not
    bring it back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._why_not_ready = "starting"

    def beat(self) -> None:
        """The service made a step."""
        self._last = self._clock()

    def ready(self) -> None:
        """Assigned and restored."""
        self._why_not_ready = ""

    def not_ready(self, reason: str) -> None:
        """Not able to serve, for a reason that an operator reads."""
        self._why_not_ready = reason

    def unready(self) -> str:
        """Why the service is not ready; empty when it is."""
        return self._why_not_ready

    def unhealthy(self) -> str:
        """Why the service is not healthy; empty when it is."""
        idle = self._clock() - self._last
        return (
            f"no step for {idle:.0f} s, expected one within {STALLED_SECONDS:.0f} s" if idle > STALLED_SECONDS else ""
        )


class Healths:
    """The roles of one process: it is ready or healthy when each of them is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._roles: dict[str, Health] = {}

    def of(self, role: str) -> Health:
        """The health of a role, made when it is first asked for."""
        return self._roles.setdefault(role, Health(self._clock))

    def unready(self) -> str:
        """Which roles are not ready, and why; while there are none, their parts are being started."""
        if not self._roles:
            return "starting"
        return "; ".join(f"{role}: {why}" for role, one in self._roles.items() if (why := one.unready()))

    def unhealthy(self) -> str:
        """Which roles are not healthy, and why."""
        return "; ".join(f"{role}: {why}" for role, one in self._roles.items() if (why := one.unhealthy()))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the pages answer."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@asynccontextmanager
async def serve(registry: CollectorRegistry, health: Probed, host: str, port: int) -> AsyncIterator[Endpoint]:
    """Serve until the block is left; port 0 takes a free one.

    Raises ConfigError when `host` is not this machine or the port cannot be taken.
    """
    _require_loopback(host)
    runner = web.AppRunner(_application(registry, health), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise ConfigError(
                f"http: expected to listen on {host}:{port}, found: {exc.strerror or exc}; choose another http.port"
            ) from exc
        yield Endpoint(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigError(
            f"http.host: expected an address of this machine (127.0.0.1, ::1 or localhost), found {host!r}: these "
            "pages have neither TLS nor a login; put a proxy or a scraper beside the process"
        )


def _application(registry: CollectorRegistry, health: Probed) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": METRICS_TYPE})

    async def healthz(_: web.Request) -> web.Response:
        return _probe(health.unhealthy())

    async def readyz(_: web.Request) -> web.Response:
        return _probe(health.unready())

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"version": __version__, "python": platform.python_version()})

    pages = {"/metrics": metrics, "/healthz": healthz, "/readyz": readyz, "/version": version}
    app = web.Application()
    app.add_routes([web.get(path, page) for path, page in pages.items()])
    return app


def _probe(problem: str) -> web.Response:
    return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)
