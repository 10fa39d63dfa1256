"""Say what an incident was: confirm it, or declare it benign."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from detector.cli.terminal import visible
from detector.errors import RecordError, UsageError

if TYPE_CHECKING:
    from detector.control import Feedback
    from detector.settings import Settings

_ID_LETTERS: Final = 26
_FOLLOWS: Final = {
    "confirm": "if the incident is still open, the worker that has it marks it as confirmed in its next revision",
    "benign": "if the incident is still open, the worker that has it closes it, and learns what it saw as normal",
}


@click.group(short_help="Say what an incident was: confirm it, or declare it benign.")
def command() -> None:
    """Say what an incident was. The verdict goes to the control topic, and from there to the worker that has it.

    \b
      detector feedback confirm INCIDENT --reason 'key found in a public repository'
      detector feedback benign INCIDENT --reason 'planned failover, CHG-1042'
    """  # noqa: D301 - click reads \b as "do not wrap the next paragraph"


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file or folder."),
        click.option("--author", help="Who says so; without it your login name."),
        click.option("--reason", required=True, help="Why, in words that a colleague understands."),
        click.argument("incident", metavar="INCIDENT"),
    ):
        function = option(function)
    return function


@command.command()
@_with_options
def confirm(**said: Any) -> None:
    """INCIDENT (the whole incident_id of an alert) was a theft."""
    _say("confirm", **said)


@command.command()
@_with_options
def benign(**said: Any) -> None:
    """INCIDENT (the whole incident_id of an alert) was none."""
    _say("benign", **said)


def _say(
    verdict: Literal["confirm", "benign"], *, incident: str, reason: str, author: str | None, file: Path | None
) -> None:
    from detector.control import encode  # noqa: PLC0415 - NumPy and the clients are slow to import
    from detector.settings import load_settings  # noqa: PLC0415

    settings = load_settings(file, os.environ)
    record = feedback(verdict, incident, reason, _login() if author is None else author, datetime.now(UTC))
    asyncio.run(_write(settings, record))
    if not sys.stdout.isatty():
        click.echo(encode(record))
    click.echo(
        f"{verdict} of incident {record.incident_id} by {visible(record.author)}: written and acknowledged\n"
        f"  (topic {settings.kafka.control} at {visible(settings.kafka.bootstrap)})\n"
        f"next: ingest copies it to every partition of {settings.kafka.uses}; {_FOLLOWS[verdict]}",
        err=True,
    )


def feedback(
    verdict: Literal["confirm", "benign"], incident: str, reason: str, author: str, time: datetime
) -> Feedback:
    """The control record of a verdict. Raises UsageError when it would not be one."""
    from detector import control  # noqa: PLC0415
    from detector.records import clean  # noqa: PLC0415

    _check_incident(incident)
    for option, text in (("--reason", reason), ("--author", author)):
        if not text.strip():
            raise UsageError(f"{option}: expected a text, found an empty one")
        if clean(text) != text:
            raise UsageError(
                f"{option}: expected no secret, and at most 1,024 characters; found otherwise: rephrase it"
            )
    record = control.Feedback(
        time=time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        incident_id=incident,
        verdict=verdict,
        reason=reason.strip(),
        author=author.strip(),
    )
    try:
        control.decode(control.encode(record))
    except RecordError as error:
        raise UsageError(f"expected a shorter --reason or --author: {error.detail}") from error
    return record


def _check_incident(incident: str) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    if set(incident) <= set(letters) and len(incident) == _ID_LETTERS:
        return
    beginning = set(incident) <= set(letters) and len(incident) < _ID_LETTERS
    found = f"{len(incident)} of them: a beginning could name another incident later" if beginning else "another text"
    raise UsageError(
        f"INCIDENT: expected the {_ID_LETTERS} letters and digits of an incident_id, found {found}; copy the "
        "incident_id of the alert (`detector explain ID FILE` shows it)"
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("--author: expected your name, since this machine has no login name for you") from error


async def _write(settings: Settings, record: Feedback) -> None:
    from detector import control  # noqa: PLC0415
    from detector.stream.base import OutgoingRecord  # noqa: PLC0415
    from detector.stream.kafka.connection import Connection  # noqa: PLC0415
    from detector.stream.kafka.producer import KafkaWriter  # noqa: PLC0415

    kafka = settings.kafka
    async with KafkaWriter(Connection(kafka.bootstrap, kafka.security)) as writer:
        await writer.write([OutgoingRecord(kafka.control, control.encode(record), control.key(record))])
