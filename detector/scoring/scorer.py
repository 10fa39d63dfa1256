"""Scorer: from facets and state to the evidence of every row. The order of trust is that of the design."""

from __future__ import annotations

import numpy as np

from detector.bundle import Bundle
from detector.domain import HOUR, SECOND, UseBatch
from detector.fingerprint.facets import Facets
from detector.scoring.concurrency import Concurrency
from detector.scoring.evidence import (
    ACTION,
    BINDING,
    CLIENT,
    COMPONENTS,
    CONCURRENCY,
    NETWORK,
    PARENTAGE,
    PATH,
    REVOCATION,
    SWEEP,
    WORKLOAD_END,
    Evidence,
)
from detector.scoring.fixed import CELL, NAT
from detector.scoring.novelty import Novelty
from detector.scoring.revocation import Revocation
from detector.scoring.scope import Scope
from detector.scoring.workload import WorkloadEnd
from detector.state.shard import Shard


class Scorer:
    """Scores slices of an epoch in their order."""

    def __init__(self, bundle: Bundle) -> None:
        self.minimum = round(bundle.episode.minimum * NAT)
        self._cold_cells = bundle.episode.cold_hour_cells * CELL
        self._cold_seconds = bundle.episode.cold_hours * HOUR // SECOND
        self._cold_binding = round(bundle.binding.cold * NAT)
        self._novelty = Novelty(bundle.novelty, self.minimum)
        self._concurrency = Concurrency(bundle.concurrency, bundle.binding, self.minimum)
        self._revocation = Revocation(bundle.revocation)
        self._scope = Scope(bundle.action, bundle.sweep, self.minimum)
        self._workload = WorkloadEnd(bundle.workload)

    def score(self, batch: UseBatch, facets: Facets, shard: Shard) -> Evidence:
        """Evidence of each row. Advances credentials and holders, row by row in effect."""
        slot = shard.admit(batch, facets)
        lifecycle = shard.credentials.advance(batch, facets)
        profile = np.maximum(slot, 0)
        baseline = np.maximum(batch.time // SECOND - shard.principals.first[profile], 0)
        cold = (shard.principals.root_count[profile, 0] < self._cold_cells) | (baseline < self._cold_seconds)
        quanta = np.zeros((len(batch), len(COMPONENTS)), np.int64)
        # Its first day says what is normal for a principal; it is not judged by it.
        novelty = self._novelty.score(batch, facets, np.where(cold, -1, slot), shard)
        quanta[:, NETWORK], quanta[:, CLIENT], actions = novelty
        quanta[:, ACTION] = self._scope.new_actions(actions, facets)
        quanta[:, SWEEP], denied = self._scope.sweep(batch, facets, slot, cold, shard)
        own, parent = self._revocation.score(batch, facets, lifecycle)
        quanta[:, REVOCATION], quanta[:, PARENTAGE] = own, parent
        quanta[:, WORKLOAD_END] = self._workload.score(batch, facets, shard.workloads)
        novel = np.any(quanta >= self.minimum, axis=1)
        contexts = self._concurrency.step(batch, facets, novel, shard)
        quanta[:, CONCURRENCY], quanta[:, PATH] = contexts.concurrency, contexts.path
        quanta[:, BINDING] = np.where(cold, np.minimum(contexts.binding, self._cold_binding), contexts.binding)
        return Evidence(quanta, lifecycle, contexts.seen, contexts.opened, contexts.returns, cold, baseline, denied)
