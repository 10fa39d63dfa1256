"""Measure the detector and its baselines on labelled fleets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import click

from detector.cli import OK
from detector.cli.terminal import safe, stderr, stdout

if TYPE_CHECKING:
    from detector.training.real import Real
    from detector.training.report import Report

_FOLDER: Final = Path("build/evaluate")
_SPLITS: Final = ("dev", "test")
_TIERS: Final = ("ordinary", "hard")


@click.command(short_help="Measure the detector and its baselines on labelled fleets.")
@click.argument("logs", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="[DIR]")
@click.option("--truth", "truths", type=click.Path(path_type=Path, file_okay=False), help="What is true about DIR.")
@click.option("--split", "splits", multiple=True, type=click.Choice(_SPLITS), help="Default: both.")
@click.option("--tier", "tiers", multiple=True, type=click.Choice(_TIERS), help="Default: both.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed is other fleets.")
@click.option("--tenants", default=5, show_default=True, type=click.IntRange(1, 1000), help="Of each dataset.")
@click.option("--principals", default=3800, show_default=True, type=click.IntRange(40, 100_000), help="Of each.")
@click.option("--days", type=click.IntRange(8, 366), help="Simulated; default: the fleet's own.")
@click.option("--thefts", default=6, show_default=True, type=click.IntRange(0, 100), help="Per scenario and stealth.")
@click.option("--baseline", "baselines", multiple=True, metavar="NAME|none", help="Only these; default: all.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; default: one a core.")
@click.option(
    "--real",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    envvar="DETECTOR_CORPORA",
    show_envvar=True,
    help="Also measure on the third-party logs in this folder.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=_FOLDER, show_default=True)
def command(
    *,
    logs: Path | None,
    truths: Path | None,
    baselines: tuple[str, ...],
    workers: int | None,
    real: Path | None,
    out: Path,
    **fleets: Any,
) -> int:
    """Let the detector and every baseline score the same labelled events, and write a report.

    The events are simulated, and what is done is kept in --out, so that a run that was stopped goes on; or they are in
    DIR, as `detector simulate run --to files:DIR --truth FOLDER` wrote them. Needs the extra `evaluate`.
    """
    import msgspec  # noqa: PLC0415 - slow to import

    from detector.training.page import write  # noqa: PLC0415

    names = _chosen(baselines)
    if logs is None:
        report = _simulated(fleets, names, out / "tenants", workers or 0)
    elif truths is None:
        raise click.UsageError("expected --truth FOLDER with DIR: what is malicious stands apart from the logs")
    else:
        report = _exported(logs, truths, names)
    if real is not None:
        report = msgspec.structs.replace(report, real=_measured(real, workers or 0))
    page = write(report, out)
    _tell(report)
    stderr().print(safe(f"report: {page}"))
    return OK


def _simulated(fleets: dict[str, Any], names: tuple[str, ...] | None, folder: Path, workers: int) -> Report:
    """Simulate what `folder` does not hold yet."""
    from detector.training.evaluation import Plan, evaluate  # noqa: PLC0415 - slow to import

    sizes = {name: fleets[name] for name in ("principals", "days") if fleets[name] is not None}
    plan = Plan(
        splits=tuple(split for split in _SPLITS if not fleets["splits"] or split in fleets["splits"]),
        tiers=tuple(tier for tier in _TIERS if not fleets["tiers"] or tier in fleets["tiers"]),
        seed=fleets["seed"],
        tenants=fleets["tenants"],
        thefts=fleets["thefts"],
        chosen=sizes,
        baselines=names,
    )
    with _Progress(len(plan.datasets()) * plan.tenants) as progress:
        return evaluate(plan, folder, progress.told, workers=workers)


def _exported(logs: Path, truths: Path, names: tuple[str, ...] | None) -> Report:
    """Judge logs in a folder."""
    from detector.training.evaluation import Plan, evaluate_logs  # noqa: PLC0415 - slow to import
    from detector.training.exported import tenants_in  # noqa: PLC0415

    tenants = tenants_in(logs, truths)
    with _Progress(len(tenants)) as progress:
        return evaluate_logs(logs.name, tenants, Plan(baselines=names).methods(), progress.told)


def _chosen(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Baselines by name; None = all. Raises click.BadParameter for one that does not exist."""
    from detector.training.baselines.base import load_baselines  # noqa: PLC0415

    if not names:
        return None
    known = load_baselines()
    wanted = [name for name in names if name != "none"]
    for name in wanted:
        if name not in known:
            raise click.BadParameter(
                f"expected none or one of {', '.join(known)}; found {name!r}", param_hint="--baseline"
            )
    return tuple(wanted)


def _measured(folder: Path, workers: int) -> Real:
    """What third-party logs show."""
    from detector.training.grafts import FLEETS  # noqa: PLC0415 - slow to import
    from detector.training.real import measure  # noqa: PLC0415

    with _Progress(FLEETS) as progress:
        return measure(folder, lambda fleet: progress.told("real attacks on", fleet), workers=workers)


class _Progress:
    """A bar on stderr: tenants judged."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        console = stderr()
        columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("simulating and scoring", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def told(self, dataset: str, tenant: int) -> None:
        """One more tenant is judged."""
        self._bar.update(self._task, advance=1, description=f"{dataset} tenant {tenant}")


def _tell(report: Report) -> None:
    """The tables of methods, on stdout."""
    from rich.table import Table  # noqa: PLC0415

    from detector.training.page import BUDGETS, lines  # noqa: PLC0415

    for dataset, sizes in report.sizes.items():
        table = Table(title=f"{dataset}: {sizes['principal_days']:,} principal-days, {sizes['thefts']} thefts")
        table.add_column("method")
        for heading in ("recall", "false/10k/d", *(f"recall at {budget}" for budget in BUDGETS), "uses/s"):
            table.add_column(heading, justify="right")
        for line in lines(report, dataset):
            style = "bold" if line.ours else ""
            table.add_row(line.title, line.natural, line.natural_per_10k, *line.recalls, line.rate, style=style)
        stdout().print(table)
