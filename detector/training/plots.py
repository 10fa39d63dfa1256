"""The pictures of a report, as SVG. The only module that draws; matplotlib is asked for when the first one is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from detector.errors import ConfigError
from detector.training.figures import Figures, Share
from detector.training.judged import BARE, ENRICHED
from detector.training.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1b2733"
QUIET: Final = "#aab4be"
OURS: Final = {BARE: "#0b7285", ENRICHED: "#e8590c"}
_LABELLED: Final = 0.03  # a baseline's recall from which its natural point gets a label
_STYLE: Final = {
    "font.size": 10,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "svg.hashsalt": "detector",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5c6b7a",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#5c6b7a",
    "ytick.color": "#5c6b7a",
}


def draw(paint: Callable[[Figure], None], width: float, height: float) -> str:
    """What `paint` draws on a figure of that size (inches), as SVG text; the same input gives the same text.

    Raises ConfigError where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow to import
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "plots: expected matplotlib, which is not installed; install credential-use-detector[evaluate]"
        ) from error
    with mpl.rc_context(cast(Any, _STYLE)):
        figure = Canvas(figsize=(width, height), layout="constrained")
        paint(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def recall_at_budget(report: Report, dataset: str) -> str:
    """Detectable recall against the false incidents it costs, every method; natural operating points as dots."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for row in (one for one in report.rows if one.dataset == dataset):
            _curve(axes, report, row)
        for budget in (1, 5, 20):
            axes.axvline(budget, color=QUIET, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlim(0.25, 12_000)
        axes.set_xlabel("false incidents per 10,000 active principals and day")
        axes.set_ylabel("detectable recall")
        axes.legend(loc="lower right", frameon=False, fontsize=9)

    return draw(paint, 7.4, 4.3)


def _curve(axes: Axes, report: Report, row: Row) -> None:
    title = next(method.title for method in report.methods if method.name == row.method)
    ours = row.method in OURS
    x, y = zip(*row.curve, strict=True)
    axes.plot(
        x, y, color=OURS.get(row.method, QUIET), linewidth=2.6 if ours else 0.9, zorder=3 if ours else 1,
        label=title if ours else None,
    )  # fmt: skip
    if row.natural is None:
        return
    at, recall = max(row.natural.per_10k, 0.3), row.natural.detectable.value
    axes.plot(at, recall, "o", color=OURS.get(row.method, "#5c6b7a"), markersize=8 if ours else 4.5, zorder=4)
    if not ours and recall > _LABELLED:
        axes.annotate(title, (at, recall), (4, 4), textcoords="offset points", fontsize=7.5, color="#5c6b7a")


def shares(title: str, groups: Mapping[str, Mapping[str, Share]]) -> str:
    """Horizontal bars with intervals: one row per name, one bar per group (label → name → share)."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        height = 0.8 / max(1, len(groups))
        for at, (label, group) in enumerate(groups.items()):
            places = [number + at * height - 0.4 + height / 2 for number in range(len(names))]
            found = [group.get(name) for name in names]
            values = [share.value if share else 0.0 for share in found]
            low = [max(0.0, share.value - share.low) if share else 0.0 for share in found]
            high = [max(0.0, share.high - share.value) if share else 0.0 for share in found]
            colour = list(OURS.values())[at % len(OURS)]
            axes.barh(places, values, height * 0.9, color=colour, label=label, alpha=0.9)
            axes.errorbar(values, places, xerr=[low, high], fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.02)
        axes.set_xlabel(title)
        if len(groups) > 1:
            axes.legend(loc="lower right", frameon=False, fontsize=9)

    return draw(paint, 6.0, 0.9 + 0.34 * max(1, len(names)) * max(1.0, len(groups) / 2))


def scenarios(by_stealth: Mapping[str, Mapping[str, Share]]) -> str:
    """A map of recall: scenarios down, stealth across, the number found of all in each cell."""
    rows = list(by_stealth)
    columns = sorted({stealth for cells in by_stealth.values() for stealth in cells})

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for down, name in enumerate(rows):
            for across, stealth in enumerate(columns):
                share = by_stealth[name].get(stealth)
                if share is not None:
                    _cell(axes, across, down, share)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)

    return draw(paint, 6.0, 0.6 + 0.3 * max(1, len(rows)))


def _cell(axes: Axes, across: int, down: int, share: Share) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - `draw` has made sure of it
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    colour = mpl.colormaps["YlGnBu"](0.08 + 0.75 * share.value)
    axes.add_patch(Rectangle((across - 0.48, down - 0.46), 0.96, 0.92, color=colour))
    ink = "white" if share.value > 0.6 else INK
    axes.text(across, down, f"{share.hits}/{share.of}", ha="center", va="center", fontsize=8, color=ink)


def counts(title: str, values: Mapping[str, int]) -> str:
    """Horizontal bars of counts, the largest first."""
    ordered = sorted(values.items(), key=lambda one: -one[1])

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.barh([name for name, _ in ordered], [count for _, count in ordered], color=OURS[BARE], alpha=0.9)
        axes.invert_yaxis()
        axes.set_xlabel(title)
        for at, (_, count) in enumerate(ordered):
            axes.annotate(f"{count}", (count, at), (4, -3), textcoords="offset points", fontsize=8)

    return draw(paint, 6.0, 0.8 + 0.28 * max(1, len(ordered)))


def delays(rows: Mapping[str, Figures]) -> str:
    """Median and 90th percentile of malicious uses up to the alert, one line a dataset."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for at, (_, one) in enumerate(rows.items()):
            if one.uses.median is not None and one.uses.p90 is not None:
                axes.plot([one.uses.median, one.uses.p90], [at, at], color=OURS[BARE], linewidth=3)
                axes.plot(one.uses.median, at, "o", color=OURS[BARE], markersize=8)
                axes.plot(one.uses.p90, at, "|", color=OURS[BARE], markersize=14, markeredgewidth=3)
        axes.set_xscale("log")
        axes.set_xlim(0.8, 120)
        axes.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel("malicious uses up to the alert (dot: median, bar: 90th percentile)")

    return draw(paint, 6.0, 0.9 + 0.34 * max(1, len(rows)))
