"""Check, show and describe the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from detector.cli import terminal


@click.group(short_help="Check, show and describe the settings.")
def command() -> None:
    """Check, show and describe the settings.

    Layers, later wins: defaults, the file or the *.yaml files of a folder in the order of their names, the environment
    (DETECTOR__SECTION__KEY), flags.
    """


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Check FILE (or a folder of them), the environment and what they name: bundle, assets, certificates, realms.

    Every problem at once, one a line, file:line:col first. Exit code 3 when there is one. No broker is asked.
    """
    from detector.assets import known_assets  # noqa: PLC0415 - NumPy and the clients are slow to import
    from detector.bundle import load_bundle  # noqa: PLC0415
    from detector.errors import ConfigError  # noqa: PLC0415
    from detector.resources import bundle_dir  # noqa: PLC0415
    from detector.routing import Router  # noqa: PLC0415
    from detector.settings import load_settings  # noqa: PLC0415
    from detector.stream.kafka.connection import Connection  # noqa: PLC0415

    settings = load_settings(file, os.environ)
    problems: list[str] = []
    parts: tuple[Callable[[], object], ...] = (
        lambda: Connection(settings.kafka.bootstrap, settings.kafka.security),
        lambda: Router(1, settings.realms.merge, settings.realms.split),
        lambda: bundle_dir(settings.bundle),
        lambda: known_assets(settings.assets),
    )
    for part in parts:
        try:
            part()
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    bundle = load_bundle(bundle_dir(settings.bundle))
    name = terminal.visible(str(file or "the defaults"))
    click.echo(f"{name}: ok (settings {settings.digest}, bundle {bundle.name} {bundle.digest[:12]})", err=True)


@command.command()
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="A settings file or folder; without it the defaults."
)
@click.option("--origin", is_flag=True, help="Say which layer set each value.")
def show(*, file: Path | None, origin: bool) -> None:
    """Show the settings in force; secrets are never shown.

    YAML; one JSON object per key with --origin when piped.
    """
    from detector.settings import leaves, redacted, resolve  # noqa: PLC0415

    resolved = resolve(file, os.environ)
    plain = redacted(resolved.settings)
    if not origin:
        click.echo(msgspec.yaml.encode(plain).decode(), nl=False)
        return
    rows = [(key, value, resolved.origins[key]) for key, value in leaves(plain).items()]
    if sys.stdout.isatty():
        _table(rows)
        return
    for key, value, layer in rows:
        click.echo(msgspec.json.encode({"key": key, "value": value, "origin": layer}))


@command.command()
def schema() -> None:
    """Print the JSON Schema of a settings file, for editors and pipelines."""
    from detector import settings  # noqa: PLC0415

    click.echo(msgspec.json.format(msgspec.json.encode(settings.schema()), indent=2))


def _table(rows: list[tuple[str, Any, str]]) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table("key", "value", "set by", box=None, header_style="bold", pad_edge=False)
    for key, value, layer in rows:
        shown = msgspec.json.encode(value).decode()
        table.add_row(
            terminal.safe(key), terminal.safe(shown), terminal.safe(layer, "dim" if layer == "default" else "")
        )
    terminal.stdout().print(table)
