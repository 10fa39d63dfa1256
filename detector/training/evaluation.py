"""The evaluation: tenants judged on every core, then reported.

A tenant's results are kept under a name that holds what they depend on (the package's own source, the bundle, the
dataset, the sizes), so an evaluation that was stopped goes on where it was, and never mixes versions.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from detector import __version__
from detector.bundle import Bundle, load_bundle
from detector.resources import bundle_dir
from detector.settings import Settings
from detector.simulate.parameters import SPLITS, TIERS, Split, Tier
from detector.simulate.tenant import Dataset
from detector.training.baselines.base import Baseline, load_baselines
from detector.training.exported import judge_folder
from detector.training.judged import BARE, ENRICHED, Judged, judge
from detector.training.report import Method, Report, Row, rows_of, sizes_of

PRINCIPALS: Final = 3800  # of a tenant: five of them make more than 300,000 active principal-days
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Plan:
    """What is evaluated. `chosen` fixes parameters of the fleets, such as `principals` and `days`."""

    splits: tuple[Split, ...] = SPLITS
    tiers: tuple[Tier, ...] = TIERS
    seed: int = 0
    tenants: int = 5
    thefts: int = 6
    chosen: Mapping[str, float] = field(default_factory=lambda: {"principals": PRINCIPALS})
    baselines: tuple[str, ...] | None = None  # None = all

    def datasets(self) -> list[Dataset]:
        """Every dataset of the plan."""
        return [
            Dataset(split, tier, self.seed, self.tenants, self.thefts) for split in self.splits for tier in self.tiers
        ]

    def methods(self) -> list[Baseline]:
        """The baselines of the plan."""
        known = load_baselines()
        return [known[name] for name in (known if self.baselines is None else self.baselines)]


def label(dataset: Dataset) -> str:
    """`dev/ordinary`."""
    return f"{dataset.split}/{dataset.tier}"


def fingerprint(plan: Plan) -> str:
    """Digest of what a tenant's results depend on besides its number and dataset."""
    digest = hashlib.sha256(repr((sorted(plan.chosen.items()), plan.baselines)).encode())
    for path in sorted((*_PACKAGE.rglob("*.py"), *bundle_dir(Settings().bundle).glob("*"))):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def run(plan: Plan, folder: Path, told: Callable[[str, int], None], *, workers: int = 0) -> dict[Dataset, list[Judged]]:
    """Judge every tenant that `folder` does not hold yet; `told` hears of each one that is there (label, tenant)."""
    version = fingerprint(plan)
    wanted = [(dataset, tenant) for dataset in plan.datasets() for tenant in range(dataset.tenants)]
    paths = {one: folder / _file_name(*one, version) for one in wanted}
    missing = []
    for one, path in paths.items():
        if path.exists():
            told(label(one[0]), one[1])
        else:
            missing.append(one)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, workers or os.cpu_count() or 1), mp_context=context) as pool:
        running = {
            pool.submit(_judge_into, paths[one], one[0], one[1], plan.baselines, dict(plan.chosen)): one
            for one in missing
        }
        for done in as_completed(running):
            done.result()
            told(label(running[done][0]), running[done][1])
    found: dict[Dataset, list[Judged]] = {}
    for dataset, tenant in wanted:
        found.setdefault(dataset, []).append(Judged.load(paths[dataset, tenant]))
    return found


def _file_name(dataset: Dataset, tenant: int, version: str) -> str:
    numbers = "-".join(str(value) for value in asdict(dataset).values())
    return f"{numbers}-{tenant}-{version}.npz"


def _judge_into(
    path: Path, dataset: Dataset, tenant: int, baselines: tuple[str, ...] | None, chosen: dict[str, float]
) -> None:
    """In a process of its own."""
    methods = Plan(baselines=baselines).methods()
    judge(dataset, tenant, methods, **chosen).save(path)


def evaluate(plan: Plan, folder: Path, told: Callable[[str, int], None], *, workers: int = 0) -> Report:
    """Judge what is missing in `folder`, and report on everything."""
    found = run(plan, folder, told, workers=workers)
    return report_on({label(dataset): tenants for dataset, tenants in found.items()}, plan.methods())


def evaluate_logs(
    name: str, tenants: Sequence[tuple[Path, Path]], baselines: Sequence[Baseline], told: Callable[[str, int], None]
) -> Report:
    """Judge exported tenants, each a folder of logs and a file of truth, as one dataset called `name`."""
    judged = []
    for number, (logs, truth_file) in enumerate(tenants):
        judged.append(judge_folder(logs, truth_file, baselines))
        told(name, number)
    return report_on({name: judged}, baselines)


def report_on(found: Mapping[str, Sequence[Judged]], baselines: Sequence[Baseline]) -> Report:
    """The report on judged datasets, by label. Thresholds of `dev/TIER` are tried on `test/TIER`."""
    methods = _methods(baselines, found)
    rows: dict[str, list[Row]] = {}
    for name, tenants in found.items():
        split, _, tier = name.partition("/")
        dev = rows.get(f"dev/{tier}", []) if split == "test" else []
        learnt = {row.method: {at: one.threshold for at, one in row.budget.items()} for row in dev}
        rows[name] = rows_of(name, tenants, methods, learnt)
    return Report(
        version=__version__,
        bundle=load_bundle(bundle_dir(Settings().bundle)).name,
        methods=methods,
        rows=tuple(row for several in rows.values() for row in several),
        sizes={name: sizes_of(tenants) for name, tenants in found.items()},
        story={name: dict(sum((Counter(one.facts.story) for one in found[name]), Counter())) for name in found},
    )


def _methods(baselines: Sequence[Baseline], found: Mapping[str, Sequence[Judged]]) -> tuple[Method, ...]:
    """The detector, bare and enriched, then the baselines."""
    natural = queue_threshold(load_bundle(bundle_dir(Settings().bundle)))
    judged = next(iter(found.values()))[0].points
    own = [
        Method(BARE, "This detector, bare", "additive evidence, shipped priors, no assets", natural),
        Method(ENRICHED, "This detector, enriched", "the same with assets and address ranges", natural),
    ]
    others = [Method(one.name, one.title, one.source, one.natural) for one in baselines]
    return tuple(method for method in (*own, *others) if method.name in judged)


def queue_threshold(bundle: Bundle) -> float:
    """The additive score, in nats, from which on the bundle opens an incident."""
    queue = bundle.decision.tiers.queue
    return math.log(queue / (1 - queue)) - bundle.decision.prior
