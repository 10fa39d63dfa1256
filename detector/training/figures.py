"""The figures of one method at one threshold: what it finds, how soon, and what it costs in false incidents."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.domain import I64
from detector.simulate.truth import Theft
from detector.training.intervals import bootstrap_total, wilson
from detector.training.points import BENIGN, Points

BUDGETS: Final = (1.0, 5.0, 20.0)  # false incidents per 10,000 active principals and day
PREVALENCES: Final = (0.1, 1.0, 10.0)  # thefts per 10,000 active principals and day
HISTORIES: Final = ((0, "none"), (5, "1 to 5"), (50, "6 to 50"))


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of`, with the 95 % Wilson interval."""

    hits: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, found: Sequence[bool]) -> Share:
        """The share of true values."""
        hits = sum(found)
        return cls(hits, len(found), *wilson(hits, len(found)))

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.hits / self.of if self.of else float("nan")


class Spread(msgspec.Struct, frozen=True):
    """Median and 90th percentile; None where there is nothing."""

    median: float | None
    p90: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of `values`."""
        if not values:
            return cls(None, None)
        median, p90 = np.quantile(values, (0.5, 0.9))
        return cls(float(median), float(p90))


class Figures(msgspec.Struct, frozen=True):
    """One method at one threshold on one dataset.

    `per_10k` is false incidents per 10,000 active principals and day, with its interval (bootstrap by principal).
    `detectable` leaves the void control out; `macro` is the mean over scenarios. `void` is what is found of the
    control, `placebo` what is found in equal windows a week before each theft: they must agree. `uses` counts malicious
    uses up to the alert, `seconds` event time since the first, `late` arrival of the deciding record since the first.
    """

    threshold: float
    false_incidents: int
    per_10k: float
    per_10k_low: float
    per_10k_high: float
    recall: Share
    detectable: Share
    macro: float
    void: Share
    placebo: Share
    by: dict[str, dict[str, Share]]
    uses: Spread
    seconds: Spread
    late: Spread
    incidents_per_theft: float | None
    precision: dict[str, float]
    churn: dict[str, int]


@dataclass(frozen=True, slots=True)
class Field:
    """What figures are computed on: the thefts and benign days of a dataset.

    `days` int64[d] has one entry, the principal's code, for each day on which a principal was benignly active.
    `placebos` are (principal, start, end) in seconds.
    """

    thefts: tuple[Theft, ...]
    causes: tuple[str, ...]
    days: I64
    placebos: tuple[tuple[int, int, int], ...]

    @property
    def principal_days(self) -> int:
        """Benign active principal-days."""
        return len(self.days)

    def allowed(self, budget: float) -> float:
        """False incidents that `budget` (per 10,000 principal-days) allows."""
        return budget * self.principal_days / 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """A theft that was found: malicious uses and seconds up to the alert, and its incidents."""

    uses: int
    seconds: int
    late: int
    incidents: int


def figures(points: Points, threshold: float, field: Field) -> Figures:
    """The figures of `points` at `threshold`."""
    kept = points.at_least(threshold)
    opening = kept.opening()
    false = opening & (kept.theft == BENIGN)
    counts = np.unique(kept.principal[false], return_counts=True)[1]
    low, high = bootstrap_total(counts)
    scale = 10_000 / max(1, field.principal_days)
    found = _found(kept, field.thefts)
    told = [one for index, one in found.items() if not field.thefts[index].void]
    per_10k = int(false.sum()) * scale
    detectable = [theft for theft in field.thefts if not theft.void]
    recall = Share.counted([theft.index in found for theft in detectable])
    scenarios = _by(detectable, found, lambda theft: theft.scenario)
    return Figures(
        threshold=threshold,
        false_incidents=int(false.sum()),
        per_10k=per_10k,
        per_10k_low=low * scale,
        per_10k_high=high * scale,
        recall=Share.counted([theft.index in found for theft in field.thefts]),
        detectable=recall,
        macro=float(np.mean([share.value for share in scenarios.values()])) if scenarios else float("nan"),
        void=Share.counted([theft.index in found for theft in field.thefts if theft.void]),
        placebo=Share.counted(_hit(kept, field.placebos)),
        by={"scenario": scenarios, **_splits(field.thefts, detectable, found)},
        uses=Spread.of([one.uses for one in told]),
        seconds=Spread.of([one.seconds for one in told]),
        late=Spread.of([one.late for one in told]),
        incidents_per_theft=float(np.mean([one.incidents for one in told])) if told else None,
        precision={
            str(prevalence): recall.value * prevalence / max(1e-12, recall.value * prevalence + per_10k)
            for prevalence in PREVALENCES
        },
        churn=dict(Counter(field.causes[cause] or "ordinary" for cause in kept.churn[false].tolist()).most_common()),
    )


def _splits(
    thefts: Sequence[Theft], detectable: Sequence[Theft], found: dict[int, Found]
) -> dict[str, dict[str, Share]]:
    """Recall by everything else; the control shows by stealth only."""
    return {
        "family": _by(detectable, found, lambda theft: theft.family),
        "cell": _by(thefts, found, lambda theft: f"{theft.scenario} {theft.stealth}"),
        "stealth": _by(thefts, found, lambda theft: theft.stealth),
        "style": _by(detectable, found, lambda theft: theft.style),
        "kind": _by(detectable, found, lambda theft: theft.kind),
        "history": _by(detectable, found, _history),
        "owner": _by(detectable, found, lambda theft: "goes on" if theft.victim_goes_on else "is silent"),
    }


def _found(kept: Points, thefts: tuple[Theft, ...]) -> dict[int, Found]:
    """Index → how it was found. `thefts` are in order of index."""
    number = kept.number()
    rows = np.flatnonzero(kept.theft != BENIGN)
    first: dict[int, int] = {}
    incidents: dict[int, set[int]] = {}
    for row in rows[np.argsort(kept.second[rows], kind="stable")].tolist():
        index = int(kept.theft[row])
        first.setdefault(index, row)
        incidents.setdefault(index, set()).add(int(number[row]))
    found = {}
    for index, row in first.items():
        theft, second = thefts[index], int(kept.second[row])
        found[index] = Found(
            bisect_right(theft.seconds, second),
            second - theft.seconds[0],
            int(kept.arrival[row]) - theft.seconds[0],
            len(incidents[index]),
        )
    return found


def _by(thefts: Iterable[Theft], found: dict[int, Found], key: Callable[[Theft], str]) -> dict[str, Share]:
    """Recall by `key`, in order of its values."""
    hits: dict[str, list[bool]] = {}
    for theft in thefts:
        hits.setdefault(key(theft), []).append(theft.index in found)
    return {name: Share.counted(hits[name]) for name in sorted(hits)}


def _history(theft: Theft) -> str:
    return next((name for most, name in HISTORIES if theft.prior_uses <= most), "more than 50")


def _hit(kept: Points, windows: Iterable[tuple[int, int, int]]) -> list[bool]:
    """Whether anything was said of the principal in each window."""
    keys = kept.principal << 32 | kept.second
    return [
        bool(np.searchsorted(keys, principal << 32 | end) > np.searchsorted(keys, principal << 32 | start))
        for principal, start, end in windows
    ]
