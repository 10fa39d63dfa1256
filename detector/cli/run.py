"""Run on Kafka: raw records in, alerts out, until asked to stop."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from detector.runtime.assembly import RoleName
    from detector.settings import Settings

_ROLES: Final = ("ingest", "detect", "deliver")
PARENT_SECONDS: Final = 1.0
SWITCH_SECONDS: Final = 0.0005  # at the interpreter's 5 ms a decoding thread makes the event loop wait 50 ms at p99


def _named_roles(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The roles of a comma-separated list. Raises click.BadParameter for another word."""
    if value is None:
        return None
    found = tuple(dict.fromkeys(word.strip() for word in value.split(",")))
    if not found or any(word not in _ROLES for word in found):
        raise click.BadParameter(f"expected some of {','.join(_ROLES)}, found {value!r}")
    return found


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file, or a folder of them.")
@click.option("--bootstrap", help="Brokers, host:port[,host:port…]; overrides kafka.bootstrap.")
@click.option("--roles", callback=_named_roles, metavar="ROLE,…", help="ingest, detect, deliver; default: all.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes, one per core.")
@click.option("--name", help="What the groups know this worker by; default: the host's name. Keep it over restarts.")
@click.option("--worker", type=int, hidden=True, help="Which of several workers this process is.")
def command(
    *,
    file: Path | None,
    bootstrap: str | None,
    roles: tuple[RoleName, ...] | None,
    workers: int,
    name: str | None,
    worker: int | None,
) -> int:
    """Run on Kafka: raw records in, alerts out, until asked to stop.

    \b
      ingest    raw topics -> uses, routed by realm
      detect    uses -> alerts; a start replays what is retained, silently up to what was committed
      deliver   alerts -> each of `sinks`

    Start as many as you like, on one machine or on many: partitions are shared among the members of each role's
    group, and move when one comes or goes. SIGTERM or Ctrl-C drains and commits. Serves /metrics, /healthz and
    /readyz on loopback (worker N on port + N). Log lines go to stderr.
    """  # noqa: D301 - click reads \\b as "do not wrap the next paragraph"
    from detector.settings import load_settings  # noqa: PLC0415 - NumPy and the clients are slow to import
    from detector.telemetry import logs  # noqa: PLC0415

    settings = load_settings(file, os.environ, {"kafka.bootstrap": bootstrap} if bootstrap else None)
    chosen = roles or tuple(role for role in _ROLES if role != "deliver" or settings.sinks)
    logs.configure()
    if workers > 1 and worker is None:
        return asyncio.run(_supervise(workers, _arguments(file, bootstrap, roles, name)))
    sys.setswitchinterval(SWITCH_SECONDS)
    number = worker or 0
    asyncio.run(
        _run(settings, chosen, f"{name or socket.gethostname()}-{number}", number, is_worker=worker is not None)
    )
    return 0


def _arguments(
    file: Path | None, bootstrap: str | None, roles: tuple[RoleName, ...] | None, name: str | None
) -> list[str]:
    """The command line of a worker."""
    said = {"--config": file, "--bootstrap": bootstrap, "--roles": ",".join(roles) if roles else None, "--name": name}
    return [word for flag, value in said.items() if value is not None for word in (flag, str(value))]


async def _supervise(workers: int, arguments: list[str]) -> int:
    from detector.runtime.signals import Stop, on_signals  # noqa: PLC0415
    from detector.runtime.workers import run_workers  # noqa: PLC0415

    stop = Stop()
    with on_signals(stop):
        return await run_workers(workers, arguments, stop)


async def _run(settings: Settings, roles: tuple[RoleName, ...], name: str, number: int, *, is_worker: bool) -> None:
    from detector.runtime.assembly import running  # noqa: PLC0415
    from detector.runtime.signals import Stop, on_signals  # noqa: PLC0415

    stop, start = Stop(), asyncio.current_task()

    async def give_up() -> None:
        """A start may wait for its broker; nothing is in flight yet, so a signal ends it at once."""
        await stop.wait()
        if start is not None:
            start.cancel()

    async def outlive(parent: int) -> None:
        """A worker whose parent was killed drains: who starts the parent again starts a worker of the same name."""
        while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells a process that it is an orphan
            await asyncio.sleep(PARENT_SECONDS)
        stop.request("the parent is gone")

    with on_signals(stop):
        following = asyncio.create_task(outlive(os.getppid()), name="follow the parent") if is_worker else None
        giving_up = asyncio.create_task(give_up(), name="give up the start")
        try:
            async with running(settings, roles, name, number) as service:
                giving_up.cancel()
                await service.run(stop)
        except asyncio.CancelledError:
            if giving_up.cancelled() or not giving_up.done():
                raise
            click.echo(f"detector: {stop.reason} before the broker answered; nothing was read", err=True)
        finally:
            giving_up.cancel()
            if following is not None:
                following.cancel()
