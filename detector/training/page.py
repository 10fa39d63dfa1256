"""The report as files: a page for a browser, Markdown with the same tables, JSON with everything, pictures apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from detector.errors import ConfigError, InputError
from detector.training import plots
from detector.training.figures import Figures, Share
from detector.training.judged import BARE, ENRICHED
from detector.training.report import EXPECTED, Report

TARGETS: Final = {  # figures of the design, by tier: (budget, detectable recall)
    "ordinary": ("1", 0.95),
    "hard": ("5", 0.90),
}
BUDGETS: Final = ("1", "5", "20")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table of methods."""

    title: str
    ours: bool
    natural: str
    natural_per_10k: str
    recalls: tuple[str, ...]
    rate: str
    state: str


def share(found: Share | None) -> str:
    """`0.83 (0.79 to 0.86)`."""
    if found is None or not found.of:
        return "n/a"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def number(value: float | None) -> str:
    """A figure with two or three digits that mean something."""
    if value is None or math.isnan(value):
        return "n/a"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def quoted(report: Report, dataset: str, budget: str) -> bool:
    """Whether the dataset is large enough for a figure at this budget: 30 false incidents must be expected."""
    return float(budget) * report.sizes[dataset]["principal_days"] / 10_000 >= EXPECTED


def rate(incidents: int, principal_days: int) -> str:
    """Incidents per 10,000 principal-days, where the largest budget would allow 30 of them."""
    if float(BUDGETS[-1]) * principal_days / 10_000 < EXPECTED:
        return "too few"
    return number(incidents * 10_000 / principal_days)


def counted(found: Mapping[str, int]) -> str:
    """`replay.new_origin 3, scope.new_action 1`; `none` where there is nothing."""
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"


def lines(report: Report, dataset: str) -> list[Line]:
    """The table of methods on one dataset."""
    found = []
    for method in report.methods:
        row = report.row(dataset, method.name)
        natural = row.natural
        found.append(
            Line(
                method.title,
                method.name in (BARE, ENRICHED),
                share(natural.detectable) if natural else "ranks only",
                number(natural.per_10k) if natural else "",
                tuple(
                    number(row.budget[budget].detectable.value) if quoted(report, dataset, budget) else "too few"
                    for budget in BUDGETS
                ),
                number(row.cost.uses / row.cost.seconds) if row.cost.seconds else "n/a",
                _bytes(row.cost.state_bytes),
            )
        )
    return found


def _bytes(count: int) -> str:
    return "" if not count else f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.0f} kB"


def headline(report: Report) -> list[tuple[str, str, str, str]]:
    """(dataset, what, measured, target) for the figures of the design."""
    found = []
    for dataset in report.datasets:
        budget, target = TARGETS.get(dataset.partition("/")[2], TARGETS["ordinary"])
        for method in report.methods[:2]:
            if method.name in (BARE, ENRICHED):
                figures = report.row(dataset, method.name).budget[budget]
                what = f"{method.title}: detectable recall at {budget} per 10,000"
                measured = (
                    share(figures.detectable) if quoted(report, dataset, budget) else "n/a (too few principal-days)"
                )
                found.append((dataset, what, measured, f"≥ {target:.2f}"))
    return found


def pictures(report: Report) -> dict[str, str]:
    """Every picture by file name (without suffix)."""
    best = ENRICHED if any(method.name == ENRICHED for method in report.methods) else BARE
    found = {}
    for dataset in report.datasets:
        name, row = dataset.replace("/", "-"), report.row(dataset, best)
        found[f"recall-{name}"] = plots.recall_at_budget(report, dataset)
        at = row.budget["5"]
        found[f"scenarios-{name}"] = plots.scenarios(_cells(at))
        for key in ("kind", "history", "style", "owner"):
            own = {
                method.title: report.row(dataset, method.name).budget["5"].by[key]
                for method in report.methods
                if method.name in (BARE, ENRICHED)
            }
            found[f"{key}-{name}"] = plots.shares("detectable recall at 5 per 10,000", own)
        if at.churn:
            found[f"churn-{name}"] = plots.counts("false incidents at 5 per 10,000", at.churn)
    found["delays"] = plots.delays({dataset: report.row(dataset, best).budget["5"] for dataset in report.datasets})
    return found


def _cells(at: Figures) -> dict[str, dict[str, Share]]:
    cells: dict[str, dict[str, Share]] = {}
    for name, found in at.by["cell"].items():
        scenario, _, stealth = name.partition(" ")
        cells.setdefault(scenario, {})[stealth] = found
    return cells


def write(report: Report, folder: Path) -> Path:
    """Write `index.html`, `report.md`, `report.json` and the pictures; the path of the page. Raises InputError."""
    drawn = pictures(report)
    pages = {
        "index.html": _rendered("page.html.j2", report, drawn),
        "report.md": _rendered("report.md.j2", report, drawn),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
        for name, text in (*pages.items(), *((f"{name}.svg", svg) for name, svg in drawn.items())):
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: expected a folder to write the report to, found: {error.strerror}") from error
    return folder / "index.html"


def _rendered(template: str, report: Report, drawn: Mapping[str, str]) -> str:
    """Raises ConfigError where jinja2 is not installed."""
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - an extra
        from markupsafe import Markup  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "report: expected jinja2, which is not installed; install credential-use-detector[evaluate]"
        ) from error
    source = files("detector.training").joinpath(template).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=template.endswith(".html.j2"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    helpers: dict[str, Callable[..., object]] = {"share": share, "number": number, "lines": lines, "quoted": quoted}
    helpers |= {"rate": rate, "counted": counted}
    return environment.from_string(source).render(
        report=report, drawn={name: Markup(svg) for name, svg in drawn.items()}, headline=headline(report),  # noqa: S704 - our own SVG
        budgets=BUDGETS, bare=BARE, enriched=ENRICHED, **helpers,
    )  # fmt: skip
