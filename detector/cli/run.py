"""Detect on a Kafka topic: raw records in, alerts out, until asked to stop."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from detector.settings import Settings

SWITCH_SECONDS: Final = 0.0005  # at the interpreter's 5 ms a decoding thread makes the event loop wait 50 ms at p99


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file; without it the defaults.")
@click.option("--bootstrap", help="Brokers, host:port[,host:port…]; overrides kafka.bootstrap.")
def command(*, file: Path | None, bootstrap: str | None) -> None:
    """Detect on a Kafka topic: raw records in, alerts out, until asked to stop.

    Reads every partition of kafka.raw_topic from its earliest retained record to rebuild what it knows, stays silent
    below the committed position, then writes alerts to kafka.alerts_topic. SIGTERM or Ctrl-C drains and commits.
    Serves /metrics, /healthz and /readyz on loopback. Log lines go to stderr.
    """
    from detector.settings import load_settings  # noqa: PLC0415 - NumPy and the clients are slow to import
    from detector.telemetry import logs  # noqa: PLC0415

    settings = load_settings(file, os.environ, {"kafka.bootstrap": bootstrap} if bootstrap else None)
    logs.configure()
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    from detector.runtime.assembly import running  # noqa: PLC0415
    from detector.runtime.signals import Stop, on_signals  # noqa: PLC0415

    stop, start = Stop(), asyncio.current_task()

    async def give_up() -> None:
        """A start may wait for its broker; nothing is in flight yet, so a signal ends it at once."""
        await stop.wait()
        if start is not None:
            start.cancel()

    with on_signals(stop):
        giving_up = asyncio.create_task(give_up(), name="give up the start")
        try:
            async with running(settings) as service:
                giving_up.cancel()
                await service.run(stop)
        except asyncio.CancelledError:
            if giving_up.cancelled() or not giving_up.done():
                raise
            click.echo(f"detector: {stop.reason} before the broker answered; nothing was read", err=True)
        finally:
            giving_up.cancel()
