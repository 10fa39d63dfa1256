"""From judged tenants to the report: figures for each dataset, method and budget, and the curves between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from detector.simulate.truth import Theft
from detector.training.figures import BUDGETS, Field, Figures, figures
from detector.training.judged import Cost, Judged
from detector.training.points import AXIS, BENIGN, Points, false_incidents, threshold_for
from detector.training.real import Real

EXPECTED: Final = 30  # false incidents that a budget must allow before a figure at it is quoted


class Method(msgspec.Struct, frozen=True):
    """How a method is called, where it is from, and the score from which on it alerts as published (None: it ranks)."""

    name: str
    title: str
    source: str
    natural: float | None


class Row(msgspec.Struct, frozen=True):
    """One method on one dataset. `budget` holds figures by budget; `curve` is (false per 10,000 and day, recall).

    `transferred` are false incidents per 10,000 and day at the thresholds that the dev set gave for each budget, on
    test sets: how well the alert rate is predicted.
    """

    dataset: str
    method: str
    natural: Figures | None
    budget: dict[str, Figures]
    curve: list[tuple[float, float]]
    transferred: dict[str, float]
    ramps: dict[str, tuple[int, int]]
    cost: Cost


class Report(msgspec.Struct, frozen=True):
    """Everything an evaluation found. `sizes` and `story` are per dataset; `real` where there are third-party logs."""

    version: str
    bundle: str
    methods: tuple[Method, ...]
    rows: tuple[Row, ...]
    sizes: dict[str, dict[str, int]]
    story: dict[str, dict[str, int]]
    real: Real | None = None

    def row(self, dataset: str, method: str) -> Row:
        """The row of `method` on `dataset`. Raises KeyError when there is none."""
        found = next((row for row in self.rows if (row.dataset, row.method) == (dataset, method)), None)
        if found is None:
            raise KeyError(f"{method} on {dataset}")
        return found

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets in order."""
        return tuple(self.sizes)


@dataclass(frozen=True, slots=True)
class Pooled:
    """The tenants of one dataset as one: codes, thefts and causes made unique."""

    field: Field
    points: dict[str, Points]

    @classmethod
    def of(cls, tenants: Sequence[Judged]) -> Pooled:
        """Put tenants together."""
        causes = ("", *sorted({cause for one in tenants for cause in one.facts.causes if cause}))
        thefts: list[Theft] = []
        days, placebos, base = [], [], 0
        for one in tenants:
            first = len(thefts)
            thefts += [msgspec.structs.replace(theft, index=first + theft.index) for theft in one.facts.thefts]
            days.append(one.days + base)
            placebos += [(principal + base, start, end) for principal, start, end in one.facts.placebos]
            base += one.facts.principals
        methods = [method for method in tenants[0].points if all(method in one.points for one in tenants)]
        points = {method: _joined(tenants, method, causes) for method in methods}
        return cls(Field(tuple(thefts), causes, np.concatenate(days), tuple(placebos)), points)


def _joined(tenants: Sequence[Judged], method: str, causes: tuple[str, ...]) -> Points:
    parts = []
    for one in tenants:
        recode = np.array([causes.index(cause) for cause in one.facts.causes], np.int32)
        part = one.points[method]
        parts.append(replace(part, churn=recode[part.churn]))
    return Points.concat(parts, [len(one.facts.thefts) for one in tenants], [one.facts.principals for one in tenants])


def rows_of(
    dataset: str, tenants: Sequence[Judged], methods: Sequence[Method], learnt: Mapping[str, Mapping[str, float]]
) -> list[Row]:
    """The rows of one dataset. `learnt` holds thresholds by method and budget from the dev set of the same tier."""
    every, first = Pooled.of(tenants), Pooled.of(tenants[:1])
    rows = []
    for method in methods:
        pooled = every if method.name in every.points else first  # slow methods score one tenant
        points, field = pooled.points[method.name], pooled.field
        thresholds = {f"{budget:g}": threshold_for(points, field.allowed(budget)) for budget in BUDGETS}
        scale = 10_000 / max(1, field.principal_days)
        rows.append(
            Row(
                dataset,
                method.name,
                None if method.natural is None else figures(points, method.natural, field),
                {budget: figures(points, threshold, field) for budget, threshold in thresholds.items()},
                [(budget, _recall(points, field, budget)) for budget in AXIS],
                {
                    budget: false_incidents(points, threshold) * scale
                    for budget, threshold in learnt.get(method.name, {}).items()
                },
                _ramps(points, field, thresholds["5"]),
                _cost(tenants, method.name),
            )
        )
    return rows


def _recall(points: Points, field: Field, budget: float) -> float:
    """Detectable recall at a budget."""
    kept = points.at_least(threshold_for(points, field.allowed(budget)))
    detectable = {theft.index for theft in field.thefts if not theft.void}
    told = set(np.unique(kept.theft[kept.theft != BENIGN]).tolist())
    return len(detectable & told) / max(1, len(detectable))


def _ramps(points: Points, field: Field, threshold: float) -> dict[str, tuple[int, int]]:
    """Thefts that were prepared by a ramp of harmless uses: days of it → (found when it came to the deed, all)."""
    kept = points.at_least(threshold)
    last: dict[int, int] = {}
    for index, second in zip(kept.theft.tolist(), kept.second.tolist(), strict=True):
        last[index] = max(last.get(index, 0), second)
    found: dict[str, tuple[int, int]] = {}
    for theft in field.thefts:
        if theft.opening:
            deed = theft.seconds[theft.opening]
            days = f"{(deed - theft.seconds[0]) // 86_400}"
            hits, of = found.get(days, (0, 0))
            found[days] = (hits + (last.get(theft.index, 0) >= deed), of + 1)
    return dict(sorted(found.items(), key=lambda one: int(one[0])))


def _cost(tenants: Sequence[Judged], method: str) -> Cost:
    spent = [one.facts.costs[method] for one in tenants if method in one.facts.costs]
    return Cost(
        sum(one.seconds for one in spent), sum(one.uses for one in spent), sum(one.state_bytes for one in spent)
    )


def sizes_of(tenants: Sequence[Judged]) -> dict[str, int]:
    """How much a dataset holds."""
    return {
        "tenants": len(tenants),
        "principals": sum(len(np.unique(one.days)) for one in tenants),
        "principal_days": sum(len(one.days) for one in tenants),
        "uses": sum(one.facts.uses for one in tenants),
        "records": sum(one.facts.records for one in tenants),
        "rejected": sum(one.facts.rejected for one in tenants),
        "thefts": sum(len(one.facts.thefts) for one in tenants),
        "void": sum(theft.void for one in tenants for theft in one.facts.thefts),
    }
