"""Scan log files for stolen credentials in use."""

from __future__ import annotations

import io
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click
import msgspec

from detector.alert import SEVERITIES, encode
from detector.cli import FINDINGS, OK
from detector.cli.terminal import paragraph, severity, stderr, stdout, visible
from detector.errors import InputError, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from detector.alert import Alert, Severity
    from detector.runtime.scan import Scan

_OUTPUTS: Final = ("table", "json", "ndjson")
_BLOCKS: Final = "blocks"  # beside the sources: rows that ingest has decoded and routed already
_REFRESH_SECONDS: Final = 0.2


def _known_format(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """`value` itself. Raises click.BadParameter when there is neither such a source nor such a format."""
    if value is None:
        return None
    from detector.settings import source_names  # noqa: PLC0415 - `--help` must be quick

    known = ["auto", *source_names(), _BLOCKS]
    if value not in known:
        raise click.BadParameter(f"expected one of {', '.join(known)}, found {value!r}")
    return value


@click.command(short_help="Scan log files for stolen credentials in use.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--output", type=click.Choice(_OUTPUTS), help="Default: table on a terminal, ndjson when piped.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write alerts here instead of stdout.")
@click.option("--min-severity", type=click.Choice(SEVERITIES), default="informational", help="Show nothing below it.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 when an incident is at least this severe.")
@click.option(
    "--format",
    "source",
    callback=_known_format,
    metavar="auto|NAME|blocks",
    help="The log source, found by itself unless you say it; or blocks: dumps of `uses`, a partition each.",
)
@click.option("--realm", metavar="NAME", help="Realm of records whose log names none.")
@click.option(
    "--dead-letter", type=click.Path(path_type=Path, dir_okay=False), help="Write rejected records' places here."
)
@click.option("--batch-size", type=click.IntRange(1, 1 << 20), default=4096, show_default=True, help="Uses per batch.")
@click.option("--partitions", type=click.IntRange(1, 1024), show_default="1", help="Shards, by realm.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file.")
@click.option("--assets", type=click.Path(), help="What is known of the fleet: a file like config/assets.yaml.")
def command(
    *,
    paths: tuple[str, ...],
    output: str | None,
    out: Path | None,
    min_severity: str,
    fail_on: str | None,
    source: str | None,
    realm: str | None,
    dead_letter: Path | None,
    batch_size: int,
    partitions: int | None,
    file: Path | None,
    assets: str | None,
) -> int:
    """Scan PATH... (files, folders, globs, `-` for stdin; JSON, NDJSON, gzip) with the engine that `run` uses.

    Alerts go to stdout or --out, everything else to stderr. The same records give the same alert ids in any order,
    batch size and file layout. Dumps of `uses` (--format blocks) are read in the order they have, and give the alerts
    of that run.

    \b
      detector scan ./cloudtrail/
      detector scan 'logs/*.json.gz' --output ndjson --out alerts.ndjson
      cat events.json | detector scan - --fail-on high
      detector scan --format blocks ./dump/
    """  # noqa: D301 - click reads \\b as "do not wrap the next paragraph"
    output = output or ("table" if out is None and sys.stdout.isatty() else "ndjson")
    flags = {"source.format": source, "source.realm": realm, "assets": assets}
    scan = _opened(paths, file, flags, batch_size=batch_size, partitions=partitions)
    started = time.perf_counter()
    with ExitStack() as stack:
        rejected = stack.enter_context(_writable(dead_letter)) if dead_letter else None
        target = stack.enter_context(_writable(out)) if out else sys.stdout.buffer
        live = not (target.isatty() and output != "table")  # a bar and lines on one screen would spoil each other
        alerts = (
            alert
            for alert in _alerts(scan, rejected, stack.enter_context(_bar(scan, live=live)))
            if SEVERITIES.index(alert.severity) >= SEVERITIES.index(min_severity)
        )
        _WRITERS[output](alerts, target)
    _summarise(scan, time.perf_counter() - started, ndjson=output == "ndjson", kept=dead_letter)
    worst = max((SEVERITIES.index(severe) for _, severe in scan.summary.incidents.values()), default=-1)
    return FINDINGS if fail_on is not None and worst >= SEVERITIES.index(fail_on) else OK


def _opened(
    paths: Sequence[str],
    file: Path | None,
    flags: dict[str, str | None],
    *,
    batch_size: int,
    partitions: int | None,
) -> Scan:
    """The scan that the options ask for. Raises UsageError for those that contradict each other."""
    from detector.runtime.scan import open_block_scan, open_scan  # noqa: PLC0415 - NumPy is slow to import
    from detector.settings import load_settings  # noqa: PLC0415

    said = {key: value for key, value in flags.items() if value is not None}
    if said.get("source.format") != _BLOCKS:
        settings = load_settings(file, os.environ, said)
        return open_scan(settings, paths, batch_size=batch_size, partitions=partitions or 1)
    if partitions is not None:
        raise UsageError(
            "--partitions: expected none with --format blocks, where each file is a partition; leave it out"
        )
    if "source.realm" in said:
        raise UsageError("--realm: expected none with --format blocks, whose rows name theirs; leave it out")
    del said["source.format"]
    return open_block_scan(load_settings(file, os.environ, said), paths, batch_size=batch_size)


def _writable(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written: {error.strerror}; check the path") from error


def _alerts(scan: Scan, rejected: BinaryIO | None, advance: Callable[[], None]) -> Iterator[Alert]:
    """The alerts of a scan as they come; rejects are written and the bar moved on the way."""
    from detector.runtime import dead_letters  # noqa: PLC0415

    for step in scan.steps():
        if rejected is not None:
            rejected.writelines(dead_letters.encode(letter) + b"\n" for letter in step.rejected)
        advance()
        yield from step.alerts


# -- what is written ---------------------------------------------------------------------------------------------------


def _write_ndjson(alerts: Iterable[Alert], target: BinaryIO) -> None:
    """One revision per line, as soon as it is decided."""
    for alert in alerts:
        target.write(encode(alert) + b"\n")
        target.flush()


def _write_json(alerts: Iterable[Alert], target: BinaryIO) -> None:
    """All revisions as one array."""
    opening = b"["
    for alert in alerts:
        target.write(opening + encode(alert))
        opening = b",\n"
    target.write(b"[]\n" if opening == b"[" else b"]\n")
    target.flush()


def _write_table(alerts: Iterable[Alert], target: BinaryIO) -> None:
    """One row per incident, the worst first, as of its last revision."""
    last = {alert.incident_id: alert for alert in alerts}
    ranked = sorted(last.values(), key=lambda alert: (-SEVERITIES.index(alert.severity), alert.start_time, alert.id))
    if not ranked:
        return
    if target is sys.stdout.buffer:
        stdout().print(incident_table(ranked))
        return
    text = io.StringIO()
    stdout(text).print(incident_table(ranked))
    target.write(text.getvalue().encode())


def incident_table(incidents: Sequence[Alert]) -> Table:
    """Incidents as a table: how bad, what, when, who, from where, why, and the id that `explain` takes."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, expand=True, header_style="bold", pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("incident", no_wrap=True)
    for column, ratio in (("what, and why", 3), ("who, from where", 2)):
        table.add_column(column, overflow="fold", ratio=ratio)
    for alert in incidents:
        strongest = sorted(alert.reasons, key=lambda reason: -reason.contribution)[:1]
        why = [f"{reason.facet}: {reason.observed}; expected {reason.expected}" for reason in strongest]
        who = [alert.credential.id or "credential unknown", alert.credential.principal, alert.src.ip or "from unknown"]
        when = alert.start_time[:16].replace("T", " ")  # to the minute: `explain` has the rest
        table.add_row(
            severity(alert.severity).append(
                f"\n{visible(when)}\n{visible(alert.incident_id[:12])}", "not bold on default"
            ),
            paragraph([alert.title, ", ".join(alert.detections), *why]),
            paragraph(who),
        )
    return table


_WRITERS: Final[dict[str, Callable[[Iterable[Alert], BinaryIO], None]]] = {
    "table": _write_table,
    "json": _write_json,
    "ndjson": _write_ndjson,
}


# -- what is said ------------------------------------------------------------------------------------------------------


@contextmanager
def _bar(scan: Scan, *, live: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr: events, rate, alerts and the time left; nothing when stderr is no terminal."""
    console = stderr()
    if not (live and console.is_terminal):
        yield lambda: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    words = (TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(BarColumn(), *words, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=None if scan.done is None else 1.0)
        started = shown = time.monotonic()

        def advance() -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= _REFRESH_SECONDS:
                shown = now
                events = sum(scan.summary.events.values())
                said = f"{events:,} events, {events / (now - started):,.0f}/s, {scan.summary.alerts} alerts"
                progress.update(task, completed=scan.done or 0.0, description=said, refresh=True)

        yield advance


def _summarise(scan: Scan, seconds: float, *, ndjson: bool, kept: Path | None) -> None:
    """The closing summary on stderr: one JSON line with NDJSON, else a few lines for people."""
    if ndjson:
        click.echo(msgspec.json.encode(_facts(scan, seconds)), err=True)
        return
    console, summary = stderr(), scan.summary
    events = sum(summary.events.values())
    sources = ", ".join(f"{count:,} {source}" for source, count in sorted(summary.events.items())) or "none"
    console.print(f"{events:,} events ({sources}) in {seconds:.1f} s, {events / max(seconds, 1e-9):,.0f}/s")
    console.print(f"{summary.uses:,} uses of {scan.credentials:,} credentials by {scan.principals:,} principals")
    if summary.without_provider < summary.addresses:  # there are assets
        console.print(f"{summary.without_provider:,} of {summary.addresses:,} uses from addresses without a provider")
    for reason, count in sorted(summary.rejected.items()):
        console.print(f"{count:,} rejected: {reason} ({f'see {kept}' if kept else '--dead-letter FILE says where'})")
    if summary.rejected and not events:
        console.print("nothing could be read: is it a log that a source reads (--format)?")
    if not summary.incidents:
        console.print("no incident")
    withheld = ((summary.shadow, " in shadow, not shown"), (summary.tolerated, " tolerated, not shown"))
    for found, where in ((summary.incidents, ""), *withheld):
        for detection, by_severity in _by_detection(found).items():
            counts = ", ".join(f"{count} {word}" for word, count in by_severity.items())
            console.print(f"{detection}: {counts}{where}")


def _facts(scan: Scan, seconds: float) -> dict[str, object]:
    """The summary for programs."""
    summary = scan.summary
    return {
        "kind": "summary",
        "events": dict(sorted(summary.events.items())),
        "uses": summary.uses,
        "without_provider": summary.without_provider,
        "principals": scan.principals,
        "credentials": scan.credentials,
        "rejected": dict(sorted(summary.rejected.items())),
        "incidents": _by_detection(summary.incidents),
        "shadow": _by_detection(summary.shadow),
        "tolerated": _by_detection(summary.tolerated),
        "alerts": summary.alerts,
        "seconds": round(seconds, 3),
    }


def _by_detection(incidents: Mapping[str, tuple[str, Severity]]) -> dict[str, dict[str, int]]:
    """Detection → severity → incidents; detections in order of name, the worst severity first."""
    counts = Counter(incidents.values())
    found: dict[str, dict[str, int]] = {}
    for detection, word in sorted(counts, key=lambda key: (key[0], -SEVERITIES.index(key[1]))):
        found.setdefault(detection, {})[word] = counts[detection, word]
    return found
