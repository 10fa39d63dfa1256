"""A model bundle: priors, attacker mixture and thresholds, read from `manifest.json`. Nothing executable is loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from detector.domain import Kind
from detector.errors import ConfigError


class NoveltyPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Interpolated Kneser-Ney on two axes (`scoring/novelty.py`); probabilities and nats."""

    discount: float
    concentration: float
    attacker_weight: float
    clip: tuple[float, float]
    denied_weight: float
    base: dict[str, float]


class ByHolding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value for each way a credential is held."""

    default: float
    single_holder: float
    static: float

    def of(self, kind: Kind) -> float:
        """The value for `kind`."""
        if kind.single_holder:
            return self.single_holder
        return self.static if kind.static else self.default


class StrangePriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A context is strange below this many own hour cells, and peers, of both its client family and its network.

    Nothing is strange before the principal has `after_hour_cells` of history: what is seldom done was not done yet.
    """

    below_hour_cells: int
    below_peers: int
    after_hour_cells: int


class ConcurrencyPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sequential test over returns (`scoring/concurrency.py`)."""

    window_hours: int
    return_probability: float
    pseudo_uses: int
    drain_seconds: int
    drain_return: float
    floor: float
    rate: ByHolding
    cap: ByHolding
    path_cap: float
    cold_cap: float
    strange: StrangePriors


class BindingPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nats for a use that contradicts what its credential is bound to.

    `known_client` where the principal or its peers run the client elsewhere; `cold` at most while it has no history.
    """

    contradiction: float
    known_client: float
    cold: float


class ByPrivilege(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value for each privilege of an action."""

    read: float
    write: float
    privileged: float

    @property
    def values(self) -> tuple[float, float, float]:
        """The values in the order of `fingerprint/actions.py`."""
        return self.read, self.write, self.privileged


class ActionPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Actions never used before: `weight` of their novelty, `most` nats of one of them, `cap` of their sum in a day."""

    weight: ByPrivilege
    most: float
    cap: ByPrivilege


class SweepPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Poisson test over different actions refused in an hour (`scoring/scope.py`); rates per hour, nats.

    `rate` is usual before anything is learnt, weighed as `pseudo_hours`; no rate is believed to be below `floor`.
    """

    attack_rate: float
    rate: float
    floor: float
    pseudo_hours: int
    cap: float
    cold: float


class RevocationPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps (seconds after the end, nats), ascending."""

    overrun: list[tuple[int, float]]
    parent_overrun: list[tuple[int, float]]


class WorkloadPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Use of a workload's token after the workload ended: steps (seconds after the end, nats), ascending."""

    overrun: list[tuple[int, float]]


class EpisodePriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`minimum`: nats below which a use opens nothing (e_min); `hours`: length of an episode.

    A principal is cold until it has `cold_hour_cells` hour cells of history and was first seen `cold_hours` ago.
    """

    minimum: float
    hours: int
    cold_hour_cells: int
    cold_hours: int


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Confidence from which an incident is paged or queued; below the lower one nothing is opened."""

    page: float
    queue: float


class DecisionPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prior log-odds that a principal-day holds a theft, and the tiers."""

    prior: float
    tiers: Tiers


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was learned or chosen for a model. `digest` is the SHA-256 of the manifest's bytes."""

    schema: Literal["detector.bundle/1"]
    name: str
    description: str
    calibrated: bool
    novelty: NoveltyPriors
    concurrency: ConcurrencyPriors
    binding: BindingPriors
    revocation: RevocationPriors
    action: ActionPriors
    sweep: SweepPriors
    workload: WorkloadPriors
    episode: EpisodePriors
    decision: DecisionPriors
    digest: str = ""


_LARGEST = 1 << 20


def load_bundle(path: Path) -> Bundle:
    """Read and check `path/manifest.json`.

    Raises ConfigError naming the file and what was expected when it is missing, over 1 MiB, or not a manifest.
    """
    file = path / "manifest.json"
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"{file}: expected a model bundle, found {exc.strerror}; set `bundle` to its directory"
        ) from exc
    if len(raw) > _LARGEST:
        raise ConfigError(f"{file}: expected at most {_LARGEST} bytes, found {len(raw)}")
    try:
        bundle = msgspec.json.decode(raw, type=Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file}: expected a bundle manifest, found: {exc}") from exc
    if problems := _problems(bundle):
        raise ConfigError([f"{file}: {problem}" for problem in problems])
    return msgspec.structs.replace(bundle, digest=hashlib.sha256(raw).hexdigest())


def _problems(bundle: Bundle) -> list[str]:
    checks = {
        "novelty.discount must lie in (0, 1)": 0 < bundle.novelty.discount < 1,
        "novelty.base must name provider, prefix, address, family, client, service and action": set(bundle.novelty.base)
        == {"provider", "prefix", "address", "family", "client", "service", "action"},
        "novelty.base.prefix must be below provider": bundle.novelty.base.get("prefix", 0)
        < bundle.novelty.base.get("provider", 1),
        "novelty.base probabilities must lie in (0, 1)": all(0 < p < 1 for p in bundle.novelty.base.values()),
        "novelty.clip must be [low, high] with low < high": bundle.novelty.clip[0] < bundle.novelty.clip[1],
        "revocation steps must ascend": all(
            steps == sorted(steps) for steps in (bundle.revocation.overrun, bundle.revocation.parent_overrun)
        ),
        "action.cap must not fall with privilege": list(bundle.action.cap.values) == sorted(bundle.action.cap.values),
        "sweep rates must hold 0 < floor <= rate < attack_rate": 0
        < bundle.sweep.floor
        <= bundle.sweep.rate
        < bundle.sweep.attack_rate,
        "workload steps must ascend": bundle.workload.overrun == sorted(bundle.workload.overrun),
        "episode.minimum must be above 0": bundle.episode.minimum > 0,
        "decision.tiers.queue must not exceed page": 0 < bundle.decision.tiers.queue <= bundle.decision.tiers.page < 1,
    }
    return [problem for problem, holds in checks.items() if not holds]
