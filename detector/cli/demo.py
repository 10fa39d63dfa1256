"""Watch a stolen credential being found: a simulated week, no Kafka, no cloud.

The same roles as `detector run`, joined over memory: ingest, detect, telemetry. Only the records are made here, and
simulated time passes as fast as they are read.
"""

from __future__ import annotations

import asyncio
import http.client
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from detector.cli import EXPECTATION
from detector.cli.terminal import safe, stderr, stdout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from detector.alert import Alert
    from detector.pipeline import Pipeline
    from detector.simulate.demo.fleet import Simulation
    from detector.simulate.demo.score import Score
    from detector.telemetry.events import Event

SEED: Final = 7
_DAY: Final = 86_400
_FALSE_SHOWN: Final = 5
_EXAMPLE_RECEIVER: Final = "https://soc.example.com/revoke"
_SHOWN_METRICS: Final = ("detector_events_total", "detector_uses_total", "detector_alerts_total", "detector_state_")


@click.command(short_help="Watch a stolen credential being found; needs nothing.")
@click.option("--seed", default=SEED, show_default=True, help="Another seed is another fleet and another theft.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 60), help="Simulated days.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the log and the alerts there.")
def command(*, seed: int, days: int, keep: Path | None) -> int:
    """Watch a stolen credential being found in a simulated week of CloudTrail.

    Needs no Kafka, Docker or cloud, and ends by itself. Exit code 0 when the theft was found, 4 when it was not.
    """
    from detector.simulate.demo.fleet import fleet  # noqa: PLC0415 - NumPy is slow to import; `--help` must not be
    from detector.simulate.demo.score import score  # noqa: PLC0415

    console = stdout()
    simulation = fleet(seed, days)
    _tell_fleet(console, simulation, seed)
    _heading(console, 2, f"{days} days pass through the detector")
    showing = _run(simulation)
    result = score(simulation.truth, showing.alerts)
    _tell_days(console, simulation, showing)
    _tell_incident(console, result)
    _tell_metrics(console, showing)
    _tell_revocation(console, result)
    _tell_counts(console, simulation, showing, result)
    if keep:
        _keep(keep, simulation, showing.alerts)
    _tell_next(console, keep, result)
    return exit_code(result)


def exit_code(result: Score) -> int:
    """0 when every theft was found, else 4: the demonstration failed."""
    return 0 if result.found and not result.missed else EXPECTATION


@dataclass(slots=True)
class _Showing:
    """What came of the run: alerts in order, the pipeline as it ended, the metrics page and where it was served."""

    pipeline: Pipeline
    seconds: float
    url: str
    page: str
    alerts: list[Alert]


def _run(simulation: Simulation) -> _Showing:
    with _progress() as progress:
        return asyncio.run(_stream(simulation, progress))


async def _stream(simulation: Simulation, progress: Progress) -> _Showing:
    """The roles of `detector run` over memory, and one scrape of their metrics over HTTP."""
    from detector.alert import decode  # noqa: PLC0415
    from detector.runtime.embedded import Embedded, memory_broker  # noqa: PLC0415
    from detector.runtime.signals import Stop  # noqa: PLC0415
    from detector.settings import Kafka, RawTopic, Settings  # noqa: PLC0415
    from detector.stream.base import Partition  # noqa: PLC0415
    from detector.telemetry.events import to_all  # noqa: PLC0415
    from detector.telemetry.http import Healths, serve  # noqa: PLC0415
    from detector.telemetry.metrics import Metrics  # noqa: PLC0415

    settings = Settings(kafka=Kafka(raw={"demo": RawTopic()}))
    broker, metrics, health = memory_broker(settings), Metrics(), Healths()
    for record in simulation.records:
        broker.append(Partition("demo", 0), record)
    broker.seal("demo")
    broker.seal(settings.kafka.control)
    observe = to_all(metrics, _Bar(simulation, progress))
    end = float(simulation.seconds[-1])  # ages are told against the end of the simulated days
    service = Embedded(settings, broker, observe, health, clock=lambda: end)
    async with serve(metrics.registry, health, "127.0.0.1", 0) as endpoint:
        started = time.perf_counter()
        await service.run(Stop())
        return _Showing(
            pipeline=service.pipelines[0],
            seconds=time.perf_counter() - started,
            url=f"{endpoint.url}/metrics",
            page=await asyncio.to_thread(_get, endpoint.host, endpoint.port),
            alerts=[decode(record.value) for record in broker.logs[Partition(settings.kafka.alerts, 0)]],
        )


def _get(host: str, port: int) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


class _Bar:
    """Turns batches into a progress bar that shows how far the simulated days have come."""

    def __init__(self, simulation: Simulation, progress: Progress) -> None:
        self._seconds = simulation.seconds
        self._progress = progress
        self._task = progress.add_task("", total=len(simulation.records))
        self._done = 0

    def __call__(self, event: Event) -> None:
        """Advance; `event` may be any telemetry event."""
        from detector.telemetry.events import BlocksWritten  # noqa: PLC0415

        if isinstance(event, BlocksWritten):
            self._done += sum(event.events.values())
            now = int(self._seconds[min(self._done, len(self._seconds)) - 1])
            self._progress.update(self._task, completed=self._done, description=_day(now, "%a %d %b %H:00"))


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = stderr()
    columns = (TextColumn("   {task.description}"), BarColumn(40), MofNCompleteColumn(), TextColumn("records"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _tell_fleet(console: Console, simulation: Simulation, seed: int) -> None:
    story = simulation.story
    updates = story.get("SDK minor updates", 0) + story.get("SDK major updates", 0)
    _heading(console, 1, "A small fleet, simulated here")
    _line(console, f"{len(simulation.records):,} CloudTrail records of two accounts, from seed {seed}: no real log,")
    _line(console, "no real address. What an ordinary week does to a detector is in them:")
    for text in (
        f"{story['deploys']} rolling deploys: {story['instances']} instances come and go, {updates} SDK updates",
        "NAT pools: four gateways a region in different prefixes, picked per connection, shared by all",
        f"{story['CI jobs']} CI jobs, each with a new credential from an address nobody has seen before",
        f"{story['function environments']} Lambda environments, chained roles, VPC endpoints, vendors' keys,",
        "  engineers at home, AWS acting on behalf",
    ):
        _line(console, f"  {text}")
    _line(console, "And one theft: the key of a web instance is read through an SSRF and replayed while the instance")
    _line(console, "goes on working. The detector is not told; the truth is kept apart from the records.")


def _tell_days(console: Console, simulation: Simulation, showing: _Showing) -> None:
    from detector.alert import SEVERITIES  # noqa: PLC0415

    opened: dict[str, Counter[str]] = {}
    incidents: set[str] = set()
    for alert in showing.alerts:
        if alert.incident_id not in incidents:
            incidents.add(alert.incident_id)
            opened.setdefault(alert.time[:10], Counter())[alert.severity] += 1
    first = int(simulation.seconds[0])
    for start in range(first - first % _DAY, int(simulation.seconds[-1]) + 1, _DAY):
        count = int(((simulation.seconds >= start) & (simulation.seconds < start + _DAY)).sum())
        found = opened.get(_day(start, "%Y-%m-%d"))
        text = safe(f"   {_day(start, '%a %d %b')}   {count:>6,} records   ")
        if found:
            words = ", ".join(f"{found[word]} {word}" for word in reversed(SEVERITIES) if found[word])
            text.append(f"incidents opened: {words}", "bold red")
        else:
            text.append("quiet", "green")
        console.print(text)
    rate = len(simulation.records) / showing.seconds
    _line(console, f"{len(simulation.records):,} records in {showing.seconds:.1f} s ({rate:,.0f} a second)")


def _tell_incident(console: Console, result: Score) -> None:
    from rich.padding import Padding  # noqa: PLC0415

    from detector.cli.explain import render  # noqa: PLC0415

    _heading(console, 3, "The incident, explained")
    for found in result.found:
        _line(console, f"First told at {found.first.time}; this is how it stood at the end.", "dim")
        console.print()
        console.print(Padding(render(found.last), (0, 0, 0, 3)))
    for theft in result.missed:
        _line(console, f"The theft of {theft.credential} was not found: this is a failure of the detector.")


def _tell_metrics(console: Console, showing: _Showing) -> None:
    _heading(console, 4, "The metrics, as Prometheus would scrape them")
    _line(console, f"GET {showing.url}", "dim")
    for line in showing.page.splitlines():
        if line.startswith(_SHOWN_METRICS):
            _line(console, line)


def _tell_revocation(console: Console, result: Score) -> None:
    from detector.response.actions.webhook import Webhook  # noqa: PLC0415
    from detector.settings import ResponseSettings  # noqa: PLC0415
    from detector.settings import Webhook as WebhookSettings  # noqa: PLC0415

    _heading(console, 5, "The revocation it would ask for (mode observe: nothing is sent, nothing is signed)")
    settings = ResponseSettings(webhook=WebhookSettings(url=_EXAMPLE_RECEIVER))
    for found in result.found:
        for line in Webhook().plan(found.last, settings).render().splitlines():
            _line(console, line)


def _tell_counts(console: Console, simulation: Simulation, showing: _Showing, result: Score) -> None:
    pipeline, malicious = showing.pipeline, len(simulation.truth.malicious)
    facts = [
        ("benign uses scored", f"{pipeline.counts.scored - malicious:,}"),
        ("malicious uses", f"{malicious}"),
        ("principals, credentials", f"{pipeline.principals:,}, {pipeline.credentials:,} live at the end"),
        ("thefts found", f"{len(result.found)} of {len(simulation.truth.thefts)}"),
        ("false incidents", f"{len(result.false)} of {result.incidents} incidents"),
    ]
    facts += [
        ("time to alert", f"malicious use number {found.uses}, {found.seconds} s after the first (event time)")
        for found in result.found
    ]
    _heading(console, 6, "Honest counts")
    for name, value in facts:
        _line(console, f"{name:<26}{value}")
    for alert in result.false[:_FALSE_SHOWN]:
        _line(console, f"false: {alert.time}  {alert.detection}  {alert.title}", "yellow")
    if len(result.false) > _FALSE_SHOWN:
        _line(console, f"and {len(result.false) - _FALSE_SHOWN} more false ones", "yellow")
    _line(console, "One small simulated fleet shows that the path works, not how well it does on yours: scan your own.")


def _tell_next(console: Console, keep: Path | None, result: Score) -> None:
    _heading(console, 7, "Next")
    detector = _called()
    commands = [
        (f"{detector} scan FOLDER", "your own CloudTrail: files, folders, .gz, or - for stdin"),
        (f"{detector} run --config FILE", "the same on Kafka: raw topics in, alerts out"),
        (f"{detector} detections list", "what is looked for, its benign causes and blind spots"),
    ]
    if keep:
        commands.insert(0, (f"{detector} scan {keep / 'cloudtrail.ndjson'}", "the same log from a file: the same ids"))
        commands += [
            (f"{detector} explain {found.last.id[:8]} {keep / 'alerts.ndjson'}", "this alert again")
            for found in result.found
        ]
    width = max(len(text) for text, _ in commands)
    for text, meaning in commands:
        _line(console, f"{text:<{width}}   {meaning}")


def _called() -> str:
    """What to type to call this program: its name where the shell finds it, else as it was called just now."""
    if shutil.which("detector"):
        return "detector"
    return sys.argv[0] if Path(sys.argv[0]).name == "detector" else "python -m detector"


def _keep(folder: Path, simulation: Simulation, alerts: list[Alert]) -> None:
    from detector.alert import encode  # noqa: PLC0415
    from detector.errors import InputError  # noqa: PLC0415

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cloudtrail.ndjson").write_bytes(b"".join(record + b"\n" for record in simulation.records))
        (folder / "alerts.ndjson").write_bytes(b"".join(encode(alert) + b"\n" for alert in alerts))
    except OSError as error:
        raise InputError(f"--keep {folder}: expected a folder to write to, found: {error.strerror}") from error


def _heading(console: Console, number: int, text: str) -> None:
    console.print()
    console.print(safe(f"{number}  {text}", "bold"))


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(safe(f"   {text}", style), soft_wrap=True)


def _day(second: int, form: str) -> str:
    return datetime.fromtimestamp(second, UTC).strftime(form)
