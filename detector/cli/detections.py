"""List the detections: what each sees, and what it cannot see."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from detector.cli import terminal

if TYPE_CHECKING:
    from detector.detections.base import Metadata


@click.group(short_help="List the detections.")
def command() -> None:
    """List the detections: what each sees, and what it cannot see."""


@command.command(name="list")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file; it sets the modes.")
def list_(file: Path | None) -> None:
    """List every detection: id, mode, status, level, title and mapping.

    A table on a terminal; one JSON object per detection, with everything its metadata says, when piped.
    """
    from detector.detections.base import load_detections  # noqa: PLC0415 - NumPy is slow to import
    from detector.runtime.choice import mode_of  # noqa: PLC0415
    from detector.settings import load_settings  # noqa: PLC0415

    settings = load_settings(file, os.environ)
    known = [detection.metadata for _, detection in sorted(load_detections().items())]
    found = [(mode_of(settings, metadata), metadata) for metadata in known]
    if sys.stdout.isatty():
        _table(found)
        return
    for mode, metadata in found:
        plain: dict[str, Any] = msgspec.to_builtins(metadata)
        click.echo(msgspec.json.encode({"id": plain.pop("id"), "mode": mode, **plain}))


def _table(found: Sequence[tuple[str, Metadata]]) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table("id", "mode", "status", "level", "title", "mapping", box=None, header_style="bold", pad_edge=False)
    for mode, metadata in found:
        table.add_row(
            terminal.safe(metadata.id, "bold"),
            terminal.safe(mode),
            terminal.safe(metadata.status),
            terminal.severity(metadata.level),
            terminal.safe(metadata.title),
            terminal.safe(", ".join(metadata.tags), "dim"),
        )
    terminal.stdout().print(table)
