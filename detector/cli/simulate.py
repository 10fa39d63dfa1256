"""Make labelled fleets: native logs with named thefts in them, and the truth beside."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click
import msgspec

from detector.cli.terminal import safe, stderr, stdout, visible
from detector.cli.timeline import tell
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.simulate.export import Pace
    from detector.simulate.fleet import Fleet
    from detector.simulate.parameters import Split, Tier
    from detector.simulate.scenarios.base import Scenario
    from detector.simulate.tenant import Dataset

_EXAMPLE: Final = (150, 14)  # principals and days of the tenant that `show` plays in
_DESTINATION: Final = "files:DIR|stdout|kafka:HOST:PORT"
_SPLITS: Final = ("dev", "test")
_TIERS: Final = ("ordinary", "hard")


@click.group(short_help="Make labelled fleets with named thefts in them.")
def command() -> None:
    """Make labelled fleets: native logs with named thefts in them, and the truth beside.

    \b
      detector simulate list                              what there is
      detector simulate show r01_external_host            one theft as a time line
      detector simulate run --to files:logs --truth truth
      detector scan logs --config logs/tenant-00/detector.yaml

    The same split, tier, seed and sizes give the same bytes on every machine. No address, key or name is real.
    """  # noqa: D301 - click reads \b as "do not wrap the next paragraph"


# -- list --------------------------------------------------------------------------------------------------------------


@command.command(name="list")
def list_() -> None:
    """List scenarios, populations, tiers and splits.

    Tables on a terminal; one JSON object each, with its `type`, when piped.
    """
    from detector.simulate.populations.base import load_populations  # noqa: PLC0415 - NumPy is slow to import
    from detector.simulate.scenarios.base import load_scenarios  # noqa: PLC0415

    scenarios, populations = load_scenarios(), load_populations()
    if sys.stdout.isatty():
        _tell_scenarios(list(scenarios.values()))
        rows = [(name, f"{one.share:.0%}", one.title) for name, one in populations.items()]
        _tell_table(("population", "share", "what"), rows)
        _tell_table(("tier", "what"), list(_TIERS_SAID.items()))
        _tell_table(("split", "what"), list(_SPLITS_SAID.items()))
        return
    for scenario in scenarios.values():
        _print({"type": "scenario", **_plain(scenario)})
    for name, population in populations.items():
        _print({"type": "population", "name": name, "title": population.title, "share": population.share})
    for kind, said in (("tier", _TIERS_SAID), ("split", _SPLITS_SAID)):
        for name, what in said.items():
            _print({"type": kind, "name": name, "title": what})


_TIERS_SAID: Final = {
    "ordinary": "the churn of every week: deploys, autoscaling, NAT pools, rotations, failovers, CI, trips",
    "hard": "and what looks like theft and is not: migrations, ISP failovers, engineers who borrow credentials",
}
_SPLITS_SAID: Final = {
    "dev": "for tuning and training: one set of parameters",
    "test": "never tuned on: each tenant's parameters are drawn anew, and its seeds are its own",
}


def _tell_scenarios(scenarios: Sequence[Scenario]) -> None:
    rows = [
        (
            one.name,
            one.family,
            " ".join(one.stealths),
            ", ".join(one.techniques),
            one.title,
            ", ".join(one.kinds) or "any",
        )
        for one in scenarios
    ]
    _tell_table(("scenario", "family", "stealth", "ATT&CK", "what", "played on"), rows)


def _tell_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for first, *others in rows:
        table.add_row(safe(first, "bold"), *map(safe, others))
    console = stdout()
    console.print(table)
    console.print()


def _plain(scenario: Scenario) -> dict[str, Any]:
    names = ("name", "title", "description", "family", "techniques", "stealths", "kinds")
    return {name: getattr(scenario, name) for name in names}


# -- show --------------------------------------------------------------------------------------------------------------


@command.command()
@click.argument("name")
@click.option("--stealth", help="How well the thief hides, S0 to S4; default: the first the scenario has.")
@click.option("--seed", default=0, show_default=True, help="Another seed is another theft.")
def show(*, name: str, stealth: str | None, seed: int) -> None:
    """Show what the scenario NAME is, and one theft of it in a small tenant as a time line.

    JSON when piped: the scenario, the theft as the truth has it, and its records.
    """
    from detector.simulate.scenarios.base import load_scenarios  # noqa: PLC0415

    known = load_scenarios()
    if name not in known:
        raise UsageError(f"expected the name of a scenario, found {name!r}; `detector simulate list` has them")
    scenario = known[name]
    if stealth is not None and stealth not in scenario.stealths:
        raise UsageError(f"--stealth: expected one of {', '.join(scenario.stealths)}, found {stealth!r}")
    fleet = _example(name, seed)
    wanted = stealth or scenario.stealths[0]
    theft = next((one for one in fleet.thefts if one.stealth == wanted), None)
    if theft is None:
        raise UsageError(f"{name}: expected a credential to steal in the tenant of seed {seed}, found none; try --seed")
    if not sys.stdout.isatty():
        calls = [call for call in fleet.calls if call.theft == theft.index]
        shown = [msgspec.Raw(call.caller.render(call)) for call in calls]
        _print({**_plain(scenario), "theft": theft, "records": shown})
        return
    console = stdout()
    console.print(safe(scenario.title, "bold"))
    console.print(safe(scenario.description))
    console.print(safe(f"{', '.join(scenario.techniques)}; stealth {', '.join(scenario.stealths)}", "dim"))
    console.print()
    goes_on = "who goes on working" if theft.victim_goes_on else "who falls silent"
    said = f"{theft.kind} of {', '.join(theft.principals)}, {goes_on}; {theft.stealth}, {theft.style}"
    console.print(safe(said))
    tell(console, fleet, theft)


def _example(name: str, seed: int) -> Fleet:
    """A small tenant with one theft of each stealth of one scenario."""
    from detector.simulate.parameters import Parameters  # noqa: PLC0415
    from detector.simulate.tenant import simulate  # noqa: PLC0415

    principals, days = _EXAMPLE
    return simulate(Parameters(principals=principals, days=days), (seed,), 1, only=name)


# -- run ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where records go: `files` to a folder, `stdout`, or `kafka` to brokers."""

    kind: Literal["files", "stdout", "kafka"]
    place: str = ""


def _destination(_ctx: click.Context, _param: click.Parameter, value: str) -> _Destination:
    """What `--to` says. Raises click.BadParameter for anything else."""
    kind, _, place = value.partition(":")
    if value == "stdout":
        return _Destination("stdout")
    if place and kind == "files":
        return _Destination("files", place)
    if place and kind == "kafka":
        return _Destination("kafka", place)
    raise click.BadParameter(f"expected {_DESTINATION}, found {value!r}")


@dataclass(frozen=True, slots=True)
class _Order:
    """What to make: which tenants of which dataset, and what is fixed in them."""

    dataset: Dataset
    chosen: dict[str, float]
    truths: Path | None

    def fleets(self) -> Iterator[tuple[int, Fleet]]:
        """The tenants one by one, the truth about each written before it is handed on."""
        from detector.simulate.export import write_truth  # noqa: PLC0415

        for number in range(self.dataset.tenants):
            fleet = self.dataset.tenant(number, **self.chosen)
            if self.truths is not None:
                write_truth(fleet, self.truths, number)
            yield number, fleet


@command.command()
@click.option("--split", type=click.Choice(_SPLITS), default="dev", show_default=True)
@click.option("--tier", type=click.Choice(_TIERS), default="ordinary", show_default=True)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed is another dataset.")
@click.option("--tenants", default=1, show_default=True, type=click.IntRange(1, 1000))
@click.option("--principals", default=1200, show_default=True, type=click.IntRange(40, 100_000), help="Of each tenant.")
@click.option("--days", default=21, show_default=True, type=click.IntRange(2, 365), help="Simulated days.")
@click.option(
    "--thefts", default=3, show_default=True, type=click.IntRange(0, 100), help="Of each scenario and stealth."
)
@click.option("--to", "destination", callback=_destination, required=True, metavar=_DESTINATION, help="Where to.")
@click.option("--truth", type=click.Path(path_type=Path, file_okay=False), help="A folder for what is true; elsewhere.")
@click.option("--gzip", "compress", is_flag=True, help="Compress the files.")
@click.option("--log", help="Of stdout: only this log, such as cloudtrail.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Of kafka: records a second.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Of kafka: simulated seconds a second.")
@click.option("--prefix", default="", help="Of kafka: before the name of each topic, which is that of its log.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Of kafka: settings with kafka.security.")
def run(
    *,
    split: Split,
    tier: Tier,
    seed: int,
    tenants: int,
    principals: int,
    days: int,
    thefts: int,
    destination: _Destination,
    truth: Path | None,
    **options: Any,
) -> None:
    """Simulate a labelled fleet and write it to files, to stdout or to Kafka.

    A folder gets tenant-NN/LOG.ndjson and a detector.yaml that reads them. Kafka gets one topic a log, in order of
    arrival, all at once unless --rate or --speed say otherwise; make the topics first. Ctrl-C drains.

    \b
      detector simulate run --to files:logs --truth truth --tenants 3
      detector simulate run --to stdout --log cloudtrail --days 9 | detector scan -
      detector simulate run --to kafka:localhost:9092 --truth truth --speed 3600
    """  # noqa: D301 - click reads \b as "do not wrap the next paragraph"
    from detector.simulate.export import Pace, keep_apart  # noqa: PLC0415
    from detector.simulate.tenant import Dataset  # noqa: PLC0415

    _check_options(destination, options)
    if truth is not None:
        keep_apart(Path(destination.place) if destination.kind == "files" else None, truth)
    order = _Order(Dataset(split, tier, seed, tenants, thefts), {"principals": principals, "days": days}, truth)
    with _bar() as bar:
        match destination.kind:
            case "files":
                _to_files(order, Path(destination.place), bar, compress=options["compress"])
            case "stdout":
                _to_stdout(order, options["log"], bar)
            case "kafka":
                pace = Pace(options["rate"] or 0.0, options["speed"] or 0.0)
                asyncio.run(_to_kafka(order, destination.place, options["prefix"], pace, options["file"], bar))
    if truth is None and thefts:
        click.echo("the truth was not written: --truth FOLDER keeps it", err=True)
    elif truth is not None:
        click.echo(f"the truth: {visible(str(truth))}", err=True)


def _check_options(destination: _Destination, options: dict[str, Any]) -> None:
    """Raises UsageError for an option that does not go with the destination."""
    belongs = {
        "compress": "files",
        "log": "stdout",
        "rate": "kafka",
        "speed": "kafka",
        "prefix": "kafka",
        "file": "kafka",
    }
    flags = {"compress": "--gzip", "file": "--config"}
    for name, kind in belongs.items():
        if options[name] and destination.kind != kind:
            flag = flags.get(name, f"--{name}")
            raise UsageError(f"{flag}: expected only with --to {kind}, found --to {destination.kind}; leave it out")
    if options["rate"] and options["speed"]:
        raise UsageError("--rate and --speed: expected one of them, found both; leave one out")


def _to_files(order: _Order, folder: Path, bar: Bar, *, compress: bool) -> None:
    from detector.simulate.export import new_folder, write_folder  # noqa: PLC0415

    new_folder(folder)
    for number, fleet in order.fleets():
        bar.expect(len(fleet.calls), f"tenant {number + 1} of {order.dataset.tenants}")
        counts = write_folder(fleet, folder, number, compress=compress, progress=bar.advance)
        logs = ", ".join(f"{count:,} {log}" for log, count in counts.items())
        where = visible(str(folder / f"tenant-{number:02}"))
        click.echo(f"{where}: {logs}; {len(fleet.thefts)} thefts", err=True)


def _to_stdout(order: _Order, log: str | None, bar: Bar) -> None:
    from detector.simulate.export import counted, merged, write_lines  # noqa: PLC0415

    fleets = [fleet for _, fleet in order.fleets()]
    bar.expect(sum(len(fleet.calls) for fleet in fleets), "records")
    written = write_lines(counted(merged(fleets), bar.advance), sys.stdout.buffer, log)
    click.echo(f"{written:,} records", err=True)
    if log is not None and not written:
        found = ", ".join(sorted({call.caller.log for fleet in fleets for call in fleet.calls}))
        raise UsageError(f"--log: expected one of {found}, found {log!r}")


async def _to_kafka(order: _Order, bootstrap: str, prefix: str, pace: Pace, file: Path | None, bar: Bar) -> None:
    from detector.runtime.signals import Stop, on_signals  # noqa: PLC0415
    from detector.settings import load_settings  # noqa: PLC0415
    from detector.simulate.export import merged, send  # noqa: PLC0415
    from detector.stream.kafka.connection import Connection  # noqa: PLC0415
    from detector.stream.kafka.producer import KafkaWriter  # noqa: PLC0415

    stop, security = Stop(), load_settings(file, os.environ).kafka.security
    async with KafkaWriter(Connection(bootstrap, security)) as writer:
        fleets = [fleet for _, fleet in order.fleets()]
        bar.expect(sum(len(fleet.calls) for fleet in fleets), "records")
        with on_signals(stop):
            sent = await send(
                merged(fleets), writer, prefix=prefix, pace=pace, stopped=lambda: stop.requested, progress=bar.advance
            )
    click.echo(f"{sent:,} records acknowledged by {visible(bootstrap)}", err=True)


class Bar:
    """A progress bar on stderr; it says nothing where stderr is no terminal."""

    def __init__(self, show: Callable[[int, int, str], None]) -> None:
        self._show = show
        self._done = self._total = 0
        self._what = ""

    def expect(self, records: int, what: str) -> None:
        """So many more records will come."""
        self._total, self._what = self._total + records, what
        self._show(self._done, self._total, self._what)

    def advance(self, records: int) -> None:
        """So many more records are written."""
        self._done += records
        self._show(self._done, self._total, self._what)


@contextmanager
def _bar() -> Iterator[Bar]:
    console = stderr()
    if not console.is_terminal:
        yield Bar(lambda _done, _total, _what: None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("simulating", total=None)
        yield Bar(lambda done, total, what: progress.update(task, completed=done, total=total, description=what))


def _print(facts: dict[str, Any]) -> None:
    click.echo(msgspec.json.encode(facts))
