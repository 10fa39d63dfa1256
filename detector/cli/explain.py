"""Explain one alert: what was seen, what was expected, what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from detector.cli.terminal import safe, severity, stdout, visible
from detector.errors import InputError, RecordError, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from detector.alert import Alert

_SHORTEST_PREFIX: Final = 4
_MOST_TOLD: Final = 3  # lines that are no alerts, told one by one; of the rest their number
_MOST_SHOWN: Final = 12  # events and credentials listed on the page; the alert holds up to a hundred


@click.command(short_help="Explain one alert.")
@click.argument("alert_id", metavar="ID")
@click.argument("file", metavar="[FILE|-]", default="-")
def command(alert_id: str, file: str) -> None:
    """Explain the alert or incident ID of FILE (alerts as NDJSON or one JSON array; `-` or nothing: stdin).

    ID is the `id` of an alert, an `incident_id` (its last revision is explained), or the beginning of either.

    \b
      detector scan logs/ --output ndjson --out alerts.ndjson
      detector explain 7f3k alerts.ndjson
    """  # noqa: D301 - click reads \b as "do not wrap the next paragraph"
    stdout().print(render(find(alert_id, _alerts(file))))


def find(alert_id: str, alerts: Iterator[Alert]) -> Alert:
    """The alert that `alert_id` names; of an incident, the last revision.

    Raises UsageError when it names none or several.
    """
    wanted = alert_id.strip().lower()
    if len(wanted) < _SHORTEST_PREFIX:
        raise UsageError(f"expected at least {_SHORTEST_PREFIX} characters of an id, found {visible(wanted)!r}")
    matched: dict[str, Alert] = {}
    read = 0
    for read, alert in enumerate(alerts, 1):  # noqa: B007 - the count is what is left of the loop
        if alert.id == wanted:
            return alert
        if alert.id.startswith(wanted) or alert.incident_id.startswith(wanted):
            matched[alert.incident_id] = alert
    if not matched:
        raise UsageError(
            f"expected an alert or incident {visible(wanted)!r} among the {read} alerts read, found none; "
            "give the file that `scan --output ndjson --out FILE` wrote"
        )
    if len(matched) > 1:
        raise UsageError(
            f"{visible(wanted)!r} names {len(matched)} incidents: {', '.join(sorted(matched))}; write more of it"
        )
    return next(iter(matched.values()))


def render(alert: Alert) -> RenderableType:
    """An alert as an analyst reads it: conclusion first, then why, when, on what grounds, and what to do."""
    from rich.console import Group  # noqa: PLC0415 - only rendering needs it
    from rich.padding import Padding  # noqa: PLC0415

    sections: list[tuple[str, RenderableType]] = [
        ("Why", _reasons(alert)),
        ("Timeline", _timeline(alert)),
        ("Evidence", _evidence(alert)),
        ("What to do", _response(alert)),
        ("If it is benign", Group(*map(safe, alert.silence.splitlines()))),
    ]
    parts: list[RenderableType] = [
        _headline(alert),
        safe(alert.title, "bold"),
        safe(alert.description),
        "",
        _facts(alert),
    ]
    for heading, body in sections:
        parts += ["", safe(heading, "bold underline"), Padding(body, (0, 0, 0, 2))]
    return Group(*parts)


def _headline(alert: Alert) -> RenderableType:
    calibrated = "" if alert.calibrated else " (not calibrated)"
    line = severity(alert.severity)
    line.append(f"  {visible(alert.detection)}", "bold")
    confidence = "over 0.99" if alert.confidence > 0.99 else f"{alert.confidence:.2f}"
    line.append(f"  confidence {confidence}{calibrated}, risk {alert.risk:.2f}, {alert.tier}")
    line.append(f"  {alert.status}, revision {alert.revision}", "dim")
    return line


def _facts(alert: Alert) -> RenderableType:
    credential, learning = alert.credential, alert.learning
    life = "does not expire" if credential.static else f"expires {credential.expires_at or 'unknown'}"
    cold = ", cold start" if learning.cold_start else ""
    came_from = (alert.src.ip, f"AS{alert.src.asn}" if alert.src.asn is not None else None, alert.src.region)
    facts = {
        "credential": f"{credential.id or 'unknown'}  {credential.kind}, {life}",
        "principal": f"{credential.principal}  ({alert.actor_class})",
        "realm": alert.realm,
        "when": f"{alert.start_time}  to  {alert.end_time}",
        "from": "  ".join(part for part in came_from if part) or "unknown",
        "baseline": f"{learning.baseline_age_days:.1f} days{cold}",
        "detections": ", ".join(alert.detections),
        "mapping": ", ".join([*alert.taxonomy.owasp_nhi, *alert.taxonomy.attack]) or "none",
        "ids": f"alert {alert.id}, incident {alert.incident_id}",
    }
    return _pairs(facts)


def _reasons(alert: Alert) -> RenderableType:
    table = _grid("facet", "observed", "expected", "weight")
    for reason in sorted(alert.reasons, key=lambda reason: -reason.contribution):
        weight = safe(f"{reason.contribution:+.1f}", "bold" if reason.contribution > 0 else "dim")
        table.add_row(safe(reason.facet), safe(reason.observed, "red"), safe(reason.expected, "green"), weight)
    return table if alert.reasons else safe("no reason was recorded", "dim")


def _timeline(alert: Alert) -> RenderableType:
    table = _grid("from", "to", "role", "context")
    for interval in sorted(alert.timeline, key=lambda interval: (interval.first_time, interval.context)):
        style = "red" if interval.role == "observed" else "green"
        table.add_row(
            safe(interval.first_time), safe(interval.last_time), safe(interval.role, style), safe(interval.context)
        )
    return table


def _evidence(alert: Alert) -> RenderableType:
    evidence = alert.evidence
    table = _grid(f"{evidence.event_count} uses", "where they stand")
    references = [*evidence.source_refs, *[""] * len(evidence.event_ids)]
    for event_id, reference in list(zip(evidence.event_ids, references, strict=False))[:_MOST_SHOWN]:
        table.add_row(safe(event_id), safe(reference, "dim"))
    if len(evidence.event_ids) > _MOST_SHOWN:
        table.add_row(safe(f"and {len(evidence.event_ids) - _MOST_SHOWN} more in the alert", "dim"), "")
    return table


def _response(alert: Alert) -> RenderableType:
    response, related = alert.response, alert.related_credentials
    more = [f"and {len(related) - _MOST_SHOWN} more in the alert"] if len(related) > _MOST_SHOWN else []
    return _pairs(
        {
            "recommended": response.recommended + ("" if response.reversible else "  (cannot be undone)"),
            "handle": response.handle,
            "also breaks": response.blast_radius,
            "active": f"{response.active_credentials} credentials of this principal",
            "survives": response.survives,
            "also rotate": ", ".join(related[:_MOST_SHOWN] + more) or "nothing else known",
            "runbook": alert.runbook_url,
        }
    )


def _grid(*columns: str) -> Table:
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column == "weight" else "left")
    return table


def _pairs(facts: dict[str, str]) -> Table:
    from rich.table import Table  # noqa: PLC0415

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, safe(value))
    return table


def _alerts(file: str) -> Iterator[Alert]:
    """Alerts of a file, line by line; a line that is no alert is told and left out."""
    from detector.encoders.native import Native  # noqa: PLC0415

    native, left_out = Native(), 0
    for number, line in enumerate(_lines(file), 1):
        try:
            yield native.decode(line)
        except RecordError as error:
            left_out += 1
            if left_out <= _MOST_TOLD:
                click.echo(f"detector: {visible(file)}:{number}: left out: {visible(str(error))[:200]}", err=True)
    if left_out > _MOST_TOLD:
        click.echo(f"detector: {visible(file)}: {left_out:,} lines are no alerts and are left out", err=True)


def _lines(file: str) -> Iterator[bytes]:
    """Each alert's bytes: the lines of NDJSON, or the elements of one array (`scan --output json`)."""
    import msgspec  # noqa: PLC0415

    try:
        stream = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115 - closed by the `with` below
        with stream:
            first = stream.readline()
            if not first.lstrip().startswith(b"["):
                yield from (line for line in chain([first], stream) if line.strip())
                return
            document = first + stream.read()
    except OSError as error:
        raise InputError(f"{file}: expected a readable file of alerts: {error.strerror}; check the path") from error
    try:
        yield from (bytes(item) for item in msgspec.json.decode(document, type=list[msgspec.Raw]))
    except msgspec.MsgspecError as error:
        raise InputError(f"{file}: expected alerts as NDJSON or one JSON array: {error}") from error
