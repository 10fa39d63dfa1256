"""Builders below the pipeline: fixed priors, a shard that learns from rows and judges rows, and candidates.

The priors are written down here so that numbers worked by hand do not move when the shipped bundle is tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detector.bundle import (
    ActionPriors,
    BindingPriors,
    Bundle,
    ByHolding,
    ByPrivilege,
    ConcurrencyPriors,
    DecisionPriors,
    EpisodePriors,
    NoveltyPriors,
    RevocationPriors,
    StrangePriors,
    SweepPriors,
    Tiers,
    WorkloadPriors,
)
from detector.domain import DAY, HOUR, KIND_CODE, MINUTE, SECOND, ActorClass, UseBatch, UseRow
from detector.fingerprint.actions import READ
from detector.fingerprint.facets import Facets, Fingerprinter
from detector.scoring.episode import Candidate, Expected, Place
from detector.scoring.evidence import COMPONENTS, Evidence
from detector.scoring.fixed import NAT
from detector.scoring.scorer import Scorer
from detector.state.shard import Limits, Shard
from tests.detections.scenario import AGENT, BOTO, CLI, START, instance, use
from tests.streams import batch_of

BUNDLE = Bundle(
    schema="detector.bundle/1",
    name="by-hand",
    description="Priors of the worked numbers.",
    calibrated=False,
    novelty=NoveltyPriors(
        discount=0.5,
        concentration=1.0,
        attacker_weight=0.5,
        clip=(-2.0, 7.0),
        denied_weight=0.5,
        base={
            "provider": 0.02,
            "prefix": 0.0005,
            "address": 0.02,
            "family": 0.03,
            "client": 0.2,
            "service": 0.01,
            "action": 0.05,
        },
    ),
    concurrency=ConcurrencyPriors(
        window_hours=6,
        return_probability=0.5,
        pseudo_uses=50,
        drain_seconds=30,
        drain_return=0.3,
        floor=0.0001,
        rate=ByHolding(default=0.01, single_holder=0.001, static=0.03),
        cap=ByHolding(default=8.0, single_holder=12.0, static=6.0),
        path_cap=2.5,
        cold_cap=1.5,
        strange=StrangePriors(below_hour_cells=3, below_peers=2, after_hour_cells=0),
    ),
    binding=BindingPriors(contradiction=12.0, known_client=5.0, cold=3.0),
    revocation=RevocationPriors(
        overrun=[(120, 0.0), (600, 4.0), (3600, 10.5), (86400, 13.0)],
        parent_overrun=[(3600, 0.0), (43200, 3.0), (129600, 6.0)],
    ),
    action=ActionPriors(
        weight=ByPrivilege(read=0.5, write=1.0, privileged=1.5),
        most=4.9,
        cap=ByPrivilege(read=4.0, write=5.0, privileged=14.0),
    ),
    sweep=SweepPriors(attack_rate=8.0, rate=0.1, floor=0.1, pseudo_hours=50, cap=12.0, cold=3.0),
    workload=WorkloadPriors(overrun=[(120, 0.0), (600, 5.0), (3600, 11.0)]),
    episode=EpisodePriors(minimum=2.0, hours=24, cold_hour_cells=5, cold_hours=24),
    decision=DecisionPriors(prior=-10.0, tiers=Tiers(page=0.9, queue=0.5)),
    digest="0" * 64,
)
MINIMUM = 2 * NAT


def history(days: int = 7, every: int = 3 * HOUR, start: int = START, **columns: object) -> list[UseRow]:
    """One use every so often, for days, each in an hour of its own."""
    return [use(at, **columns) for at in range(start, start + days * DAY, every)]


def varied(row: UseRow, /, **columns: object) -> UseRow:
    """A use with some columns changed."""
    return row._replace(**columns)  # type: ignore[arg-type]


def fingerprint(rows: Sequence[UseRow]) -> tuple[UseBatch, Facets]:
    """Rows as a batch with its facets."""
    batch = batch_of(list(rows))
    return batch, Fingerprinter().facets(batch)


class Mind:
    """A shard and its scorer: `learn` rows as one epoch, `judge` rows against what was learnt."""

    def __init__(self, bundle: Bundle = BUNDLE) -> None:
        self.shard = Shard(Limits())
        self.scorer = Scorer(bundle)

    def learn(self, rows: Sequence[UseRow], suspected: Sequence[int] = ()) -> None:
        """Take in rows and close the epoch, with the watermark at its last row."""
        batch, facets = fingerprint(rows)
        evidence = self.scorer.score(batch, facets, self.shard)
        self.shard.note(batch, facets, evidence)
        self.shard.close(set(suspected), int(batch.time[-1]))

    def judge(self, *rows: UseRow) -> Evidence:
        """Evidence of rows that follow what was learnt, within one epoch."""
        return self.scorer.score(*fingerprint(rows), self.shard)

    def nats(self, component: int, *rows: UseRow) -> list[float]:
        """One component of the evidence of rows."""
        return [quanta / NAT for quanta in self.judge(*rows).quanta[:, component].tolist()]


def quanta(**nats: float) -> tuple[int, ...]:
    """Evidence of one use in quanta, one number per component: `quanta(network=4, client=3)`."""
    found = dict.fromkeys(COMPONENTS, 0.0) | nats
    if len(found) > len(COMPONENTS):
        raise ValueError(f"expected components among {COMPONENTS}, found {sorted(nats)}")
    return tuple(round(nat * NAT) for nat in found.values())


HOME = Place("198.51.100.7", "boto3/1 linux", START // SECOND, START // SECOND + 3600, suspect=False)
AWAY = Place("192.0.2.66", "aws-cli/2 linux", START // SECOND + 60, START // SECOND + 1800, suspect=True)
_CANDIDATE = Candidate(
    quanta=quanta(),
    time=START,
    append_time=0,
    native_id="event-1",
    use_index=0,
    ref="log:1",
    realm="111122223333",
    account="111122223333",
    principal="arn:aws:iam::111122223333:user/svc/backup",
    session="",
    credential="AKIAEXAMPLE0000000",
    issuer="",
    kind=KIND_CODE["aws.access-key"],
    actor_class=ActorClass.WORKLOAD,
    address=AWAY.address,
    prefix="192.0.2.0/24",
    client=AWAY.client,
    region="eu-west-1",
    action="s3:GetObject",
    privilege=READ,
    channel="",
    issued_at=0,
    expires_at=0,
    ended_at=0,
    places=(AWAY, HOME),
    expected=Expected(
        prefix="198.51.100.0/24", client=HOME.client, prefixes=1, families=1, action="s3:GetObject", services=1
    ),
    cold=False,
    holder=1,
    baseline_seconds=7 * 86_400,
    refused=0,
    refused_usually=10,
)


def candidate(**columns: object) -> Candidate:
    """A use with evidence: a key from elsewhere with another client, unless columns say otherwise."""
    return replace(_CANDIDATE, **columns)  # type: ignore[arg-type]


__all__ = [
    "AGENT", "AWAY", "BOTO", "BUNDLE", "CLI", "DAY", "HOME", "HOUR", "MINIMUM", "MINUTE", "NAT", "SECOND", "START",
    "Mind", "batch_of", "candidate", "fingerprint", "history", "instance", "quanta", "use",
    "varied",
]  # fmt: skip
