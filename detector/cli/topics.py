"""Plan, make and check the Kafka topics; dump what detect reads."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
import msgspec

from detector.cli import EXPECTATION, OK
from detector.cli.terminal import safe, stderr, stdout, visible
from detector.errors import StreamUnavailable

if TYPE_CHECKING:
    from detector.runtime.dump import Dump
    from detector.runtime.topics import Difference, Right, Wanted
    from detector.settings import Kafka, Settings
    from detector.stream.base import Bounds, Partition
    from detector.stream.kafka.admin import KafkaAdmin, Topic
    from detector.stream.kafka.connection import Connection

Command: TypeAlias = Callable[..., Any]

_SEEN_SECONDS: Final = 15.0  # until what was done must be seen
_LOOK_SECONDS: Final = 0.2
_STYLES: Final = {"create": "green", "set": "green", "refused": "bold red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the command line says about the topics."""

    partitions: int | None
    replication: int | None
    retention_days: int


@click.group(short_help="Plan, make and check the Kafka topics; dump what detect reads.")
def command() -> None:
    """Plan, make and check the Kafka topics that the settings name; dump what detect reads.

    \b
      detector topics plan      what is missing, and who needs which rights
      detector topics apply     make and configure it
      detector topics check     0 when all is as wanted, else 4
    """  # noqa: D301 - click reads \b as "do not wrap the next paragraph"


def _with_choices(function: Command) -> Command:
    """The options of plan, apply and check."""
    config = click.option(
        "--config", "file", type=click.Path(path_type=Path), help="A settings file or folder; without it the defaults."
    )
    partitions = click.option(
        "--partitions",
        type=click.IntRange(1, 1024),
        help="Partitions of uses: 8 when it is made, its own when it is there.",
    )
    replication = click.option(
        "--replication", type=click.IntRange(1, 16), help="Replicas of each topic; 3, or one on each broker."
    )
    days = click.option(
        "--retention-days",
        type=click.IntRange(1, 3650),
        default=14,
        show_default=True,
        help="How long uses is kept. Detect rebuilds all it knows from it, until there are checkpoints.",
    )
    output = click.option(
        "--output", type=click.Choice(("table", "json")), help="Default: table on a terminal, json when piped."
    )
    for option in (output, days, replication, partitions, config):
        function = option(function)
    return function


@command.command()
@_with_choices
def plan(*, file: Path | None, output: str | None, **choices: Any) -> None:
    """Say what apply would do, and the rights each part needs, ready for kafka-acls.sh. Changes nothing."""
    from detector.runtime.topics import acl_command, rights  # noqa: PLC0415 - the clients are slow to import

    settings = _settings(file)
    wanted, differences = asyncio.run(_compared(settings, _Choices(**choices)))
    needed = rights(settings.kafka)
    commands = [acl_command(right, settings.kafka.bootstrap) for right in needed]
    if _as_json(output):
        shown = {"topics": [_plain(topic) for topic in wanted], "differences": differences}
        _print_json({**shown, "rights": needed, "acls": commands})
        return
    _table_of_topics(wanted)
    _tell_differences(differences, "as wanted: apply has nothing to do")
    _tell_rights(needed, commands)


@command.command()
@_with_choices
def apply(*, file: Path | None, output: str | None, **choices: Any) -> int:
    """Make the topics that are missing and set what differs; say what was done, and what is left.

    Never touches a raw topic, and never adds a partition to uses. Exit code 4 when something is left.
    """
    from detector.runtime.topics import is_wanted  # noqa: PLC0415

    settings = _settings(file)
    done, left = asyncio.run(_applied(settings, _Choices(**choices)))
    if _as_json(output):
        _print_json({"done": done, "left": left})
    else:
        _tell_differences(done, "nothing was to be done", heading="done")
        _tell_differences(left, "all is as wanted", heading="left")
    return OK if is_wanted(left) else EXPECTATION


@command.command()
@_with_choices
def check(*, file: Path | None, output: str | None, **choices: Any) -> int:
    """List every difference between the topics and what is wanted. Exit code 0 when there is none, else 4.

    Warnings alone are no difference. Rights are not looked at: plan lists those that are needed.
    """
    from detector.runtime.topics import is_wanted  # noqa: PLC0415

    settings = _settings(file)
    _, differences = asyncio.run(_compared(settings, _Choices(**choices)))
    wanted = is_wanted(differences)
    if _as_json(output):
        _print_json({"ok": wanted, "differences": differences})
    else:
        _tell_differences(differences, "all is as wanted")
    return OK if wanted else EXPECTATION


@command.command()
@click.argument("topic", type=click.Choice(("uses",)))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write to.")
@click.option("--force", is_flag=True, help="Replace a dump that is there; other files of the folder stay.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A settings file or folder.")
def dump(*, topic: str, out: Path, force: bool, file: Path | None) -> None:
    """Write what detect reads to files: uses-N.blocks for each partition, from the earliest record to now.

    `detector scan --format blocks FOLDER` gives the alerts that detect gave. The files get their names together, once
    all are whole. Reads outside any group, and commits nothing.
    """
    del topic  # there is one that can be dumped, and kafka.uses says what it is called
    asyncio.run(_dumped(_settings(file), out, force=force))


# -- what is asked of the broker ---------------------------------------------------------------------------------------


def _settings(file: Path | None) -> Settings:
    from detector.settings import load_settings  # noqa: PLC0415

    return load_settings(file, os.environ)


def _connection(kafka: Kafka) -> Connection:
    from detector.stream.kafka.connection import Connection  # noqa: PLC0415

    return Connection(kafka.bootstrap, kafka.security)


async def _compared(settings: Settings, choices: _Choices) -> tuple[list[Wanted], list[Difference]]:
    """The topics that are wanted, and how those that are there differ."""
    from detector.stream.kafka.admin import KafkaAdmin  # noqa: PLC0415

    async with KafkaAdmin(_connection(settings.kafka)) as admin:
        wanted, _, differences = await _looked(admin, settings.kafka, choices)
        return wanted, differences


async def _looked(
    admin: KafkaAdmin, kafka: Kafka, choices: _Choices
) -> tuple[list[Wanted], dict[str, Topic], list[Difference]]:
    from detector.runtime.topics import compare, wanted_topics  # noqa: PLC0415

    wanted = wanted_topics(
        kafka,
        await admin.brokers(),
        partitions=choices.partitions,
        replication=choices.replication,
        retention_days=choices.retention_days,
    )
    found = await admin.describe({*(topic.name for topic in wanted), *kafka.raw})
    return wanted, found, compare(wanted, list(kafka.raw), found)


async def _applied(settings: Settings, choices: _Choices) -> tuple[list[Difference], list[Difference]]:
    """What was done, and what is left once the broker shows it. Raises StreamUnavailable when it does not."""
    from detector.runtime.topics import DONE  # noqa: PLC0415
    from detector.stream.kafka.admin import KafkaAdmin  # noqa: PLC0415

    async with KafkaAdmin(_connection(settings.kafka)) as admin:
        wanted, found, differences = await _looked(admin, settings.kafka, choices)
        for topic in wanted:
            if topic.name not in found:
                await admin.create(topic.new)
            elif config := {d.what: d.expected for d in differences if d.topic == topic.name and d.action == "set"}:
                await admin.configure(found[topic.name], config)
        done = [difference for difference in differences if difference.action in DONE]
        deadline = asyncio.get_running_loop().time() + _SEEN_SECONDS
        while True:
            _, _, left = await _looked(admin, settings.kafka, choices)
            unseen = [difference for difference in left if difference.action in DONE]
            if not unseen:
                return done, left
            if asyncio.get_running_loop().time() > deadline:
                names = ", ".join(sorted({difference.topic for difference in unseen}))
                raise StreamUnavailable(
                    f"kafka {settings.kafka.bootstrap}: expected to see what was done to {names}, found it as before "
                    f"for {_SEEN_SECONDS:.0f} s; may we describe these topics? `detector topics check` looks again"
                )
            await asyncio.sleep(_LOOK_SECONDS)


async def _dumped(settings: Settings, folder: Path, *, force: bool) -> None:
    from detector.runtime.dump import dump_to  # noqa: PLC0415
    from detector.stream.kafka.reader import KafkaReader  # noqa: PLC0415

    kafka = settings.kafka
    async with KafkaReader(_connection(kafka), kafka.uses) as reader:
        numbers = [partition.number for partition in reader.bounds]
        with dump_to(folder, numbers, force=force) as written, _bar(reader.bounds) as advance:
            async for partition, records in reader.read():
                written.write(partition.number, records)
                advance(partition, records[-1].offset)
        _tell_dump(folder, reader.bounds, written)


@contextmanager
def _bar(bounds: Mapping[Partition, Bounds]) -> Iterator[Callable[[Partition, int], None]]:
    """A progress bar on stderr, in records of all partitions; nothing when stderr is no terminal."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _partition, _offset: None
        return
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=sum(found.end - found.earliest for found in bounds.values()))
        read: dict[Partition, int] = {}

        def advance(partition: Partition, offset: int) -> None:
            read[partition] = offset + 1 - bounds[partition].earliest
            progress.update(task, completed=sum(read.values()))

        yield advance


# -- what is shown -----------------------------------------------------------------------------------------------------


def _as_json(output: str | None) -> bool:
    return (output or ("table" if sys.stdout.isatty() else "json")) == "json"


def _print_json(facts: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2))


def _plain(topic: Wanted) -> dict[str, Any]:
    """A topic as it would be made."""
    new: dict[str, Any] = msgspec.to_builtins(topic.new)
    return {"purpose": topic.purpose, **new}


def _table_of_topics(wanted: Sequence[Wanted]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("topic", "partitions", "replicas", "settings", box=None, header_style="bold", pad_edge=False)
    for topic in wanted:
        settings = Text("\n").join([safe(f"{key}={rule.value}") for key, rule in topic.rules.items()])
        name = safe(topic.name, "bold").append(f"\n{visible(topic.purpose)}", "not bold dim")
        table.add_row(name, str(topic.partitions), str(topic.replication), settings)
        table.add_section()
    stdout().print(table)


def _tell_differences(differences: Sequence[Difference], nothing: str, heading: str = "differences") -> None:
    from rich.table import Table  # noqa: PLC0415

    if not differences:
        click.echo(f"{heading}: {nothing}", err=True)
        return
    table = Table(heading, "found", "expected", "", "why", box=None, header_style="bold", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for difference in differences:
        table.add_row(
            safe(difference.topic, "bold").append(f"\n{visible(difference.what)}", "not bold"),
            safe(difference.found),
            safe(difference.expected),
            safe(difference.action, _STYLES[difference.action]),
            safe(difference.reason),
        )
    stdout().print(table)


def _tell_rights(needed: Sequence[Right], commands: Sequence[str]) -> None:
    """The rights as a table, and as lines that no terminal breaks: they are there to be copied."""
    from rich.table import Table  # noqa: PLC0415

    table = Table("role", "principal", "may", "on", box=None, header_style="bold", pad_edge=False)
    for right in needed:
        name = f"{right.resource} {right.name}{'*' if right.prefixed else ''}"
        table.add_row(safe(right.role), safe(right.principal), safe(", ".join(right.operations)), safe(name))
    stdout().print(table)
    for line in commands:
        click.echo(visible(line))
    click.echo(
        "\nGive nobody else Write on uses, control or alerts: detect believes every row it reads, control can declare\n"
        "incidents benign and switch detections off, and alerts page people and have credentials revoked. Rights bind\n"
        "only where brokers know who is asking (kafka.security) and allow.everyone.if.no.acl.found is false.",
        err=True,
    )


def _tell_dump(folder: Path, bounds: Mapping[Partition, Bounds], written: Dump) -> None:
    for partition, found in bounds.items():
        number = partition.number
        name = visible(str(folder / f"uses-{number}.blocks"))
        click.echo(
            f"{name}: {written.blocks.get(number, 0):,} blocks, {written.bytes.get(number, 0):,} bytes "
            f"(offsets from {found.earliest} up to {found.end})",
            err=True,
        )
