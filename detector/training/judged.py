"""One tenant, judged by every method: simulate, decode, score; kept in a file so that an evaluation can be resumed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np

from detector.assets import Assets, load
from detector.bundle import load_bundle
from detector.domain import I32, I64
from detector.errors import InputError
from detector.resources import bundle_dir
from detector.settings import Settings
from detector.simulate import arrivals, knowledge
from detector.simulate.tenant import Dataset, truth_of
from detector.simulate.truth import Theft, Truth
from detector.training.baselines.base import Baseline
from detector.training.decoded import Decoded, decode, uses_of
from detector.training.ground import Ground
from detector.training.points import AXIS, F64, Points, threshold_for
from detector.training.trace import trace
from detector.training.uses import Uses

BARE: Final = "detector"
ENRICHED: Final = "detector_enriched"


class Cost(msgspec.Struct, frozen=True):
    """CPU seconds for `uses` uses, and bytes of state (0 = not said)."""

    seconds: float
    uses: int
    state_bytes: int = 0


class Facts(msgspec.Struct, frozen=True):
    """What a tenant was: its thefts and causes, how much there is of it, and what each method cost."""

    thefts: tuple[Theft, ...]
    causes: tuple[str, ...]
    story: dict[str, int]
    principals: int
    uses: int
    records: int
    rejected: int
    placebos: tuple[tuple[int, int, int], ...]
    told: dict[str, int]
    costs: dict[str, Cost]


@dataclass(frozen=True, slots=True)
class Judged:
    """`days` int64[d]: the principal of each benign active principal-day; `kinds` int32[principals]."""

    facts: Facts
    days: I64
    kinds: I32
    points: Mapping[str, Points] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write to `path` at once or not at all. Raises InputError."""
        arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
            "facts": np.frombuffer(msgspec.json.encode(self.facts), np.uint8),
            "days": self.days,
            "kinds": self.kinds,
        }
        for method, points in self.points.items():
            arrays |= {f"{method}/{one.name}": getattr(points, one.name) for one in fields(Points)}
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
            part.replace(path)
        except OSError as error:
            raise InputError(f"{path}: expected to write results there, found: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> Judged:
        """Read what `save` wrote. Raises InputError for anything else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            facts = msgspec.json.decode(arrays.pop("facts").tobytes(), type=Facts)
            days, kinds = arrays.pop("days"), arrays.pop("kinds")
            methods = dict.fromkeys(name.partition("/")[0] for name in arrays)
            points = {one: Points(*(arrays[f"{one}/{column.name}"] for column in fields(Points))) for one in methods}
        except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
            raise InputError(f"{path}: expected results of an evaluation, found: {error}; delete it") from error
        return cls(facts, days, kinds, points)


def judge(dataset: Dataset, tenant: int, baselines: Sequence[Baseline], **chosen: float) -> Judged:
    """Simulate one tenant and let every method score it."""
    clock = Clock()
    fleet = dataset.tenant(tenant, **chosen)
    records = list(arrivals.records(arrivals.deliver(fleet)))
    costs = {"simulate": clock.lap(len(records))}
    decoded = decode(records)
    costs["decode"] = clock.lap(len(records))
    with TemporaryDirectory() as folder:
        assets = load(knowledge.write(fleet, Path(folder)))
    fast = [one for one in baselines if not (one.slow and tenant)]  # slow ones score one tenant of a dataset
    judged = assess(decoded, truth_of(fleet), assets, fast, seed=tenant)
    facts = msgspec.structs.replace(
        judged.facts, story=dict(fleet.story), records=len(records), costs={**costs, **judged.facts.costs}
    )
    return replace(judged, facts=facts)


def assess(decoded: Decoded, truth: Truth, assets: Assets, baselines: Sequence[Baseline], *, seed: int = 0) -> Judged:
    """Let the detector, bare and enriched by `assets`, and `baselines` score one tenant's rows."""
    enriched = decoded.enriched(assets)
    uses = uses_of(enriched)
    ground = Ground.of(decoded, uses, truth)
    bundle = load_bundle(bundle_dir(Settings().bundle))
    points, told, costs, clock = {}, {}, {}, Clock()
    for name, rows in ((BARE, decoded), (ENRICHED, enriched)):
        points[name], told[name] = trace(rows.slices(), ground, bundle)
        costs[name] = clock.lap(len(rows.batch))
    for baseline in baselines:
        score = _scored(baseline, uses, seed)
        costs[baseline.name] = msgspec.structs.replace(clock.lap(len(uses)), state_bytes=baseline.state_bytes(uses))
        points[baseline.name] = _strongest(ground.points(score), baseline.natural, ground)
        clock.lap(0)
    facts = Facts(
        thefts=truth.thefts,
        causes=ground.causes,
        story={},
        principals=ground.principals,
        uses=len(uses),
        records=len(set(decoded.batch.raw_offset.tolist())) + decoded.rejected,
        rejected=decoded.rejected,
        placebos=tuple(ground.placebos()),
        told=told,
        costs=costs,
    )
    return Judged(facts, ground.principal_days(), ground.kinds(), points)


def _scored(baseline: Baseline, uses: Uses, seed: int) -> F64:
    """Scores with ties broken at random: a rule that only says yes or no has no ranking to be credited with."""
    score = baseline.score(uses)
    jitter = np.random.default_rng(seed).random(len(score)) * 1e-6
    ranked: F64 = np.where(score > 0, score * (1 + jitter), 0.0)
    return ranked


def _strongest(points: Points, natural: float | None, ground: Ground) -> Points:
    """What a report looks at: of a method that ranks every use, the points that twice the largest budget lets through.

    A method that alerts by itself keeps what it says at its own point.
    """
    most = 2 * AXIS[-1] * len(ground.principal_days()) / 10_000
    least = threshold_for(points, most)
    return points.at_least(least if natural is None else min(least, natural))


class Clock:
    """CPU seconds since the last lap."""

    def __init__(self) -> None:
        self._since = time.process_time()

    def lap(self, uses: int) -> Cost:
        """What was spent since the last lap, on `uses` uses."""
        now = time.process_time()
        spent, self._since = now - self._since, now
        return Cost(spent, uses)
