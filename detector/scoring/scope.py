"""Scope: actions that a principal never used, and sweeps over actions that are refused to it.

A first use of an action is as novel as its own and its peers' history make it (`novelty.py`), and weighs what the
action lets a thief do. A sweep is a Poisson test of k different actions refused in one clock hour of event time,
between the rate of somebody who tries what the credential is good for and the usual rate of the principal, which
backs off to its peer group and to the bundle:

    k·log(λ_a / λ) - (λ_a - λ)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.bundle import ActionPriors, SweepPriors
from detector.domain import I64, Bool, UseBatch
from detector.fingerprint.facets import Facets
from detector.scoring.evidence import Denied
from detector.scoring.fixed import NAT, nats
from detector.state.shard import Shard


class Scope:
    """Scores what was done, or tried, with a credential."""

    def __init__(self, actions: ActionPriors, sweep: SweepPriors, minimum: int) -> None:
        self._minimum = minimum
        self._weight: I64 = np.array([round(weight * NAT) for weight in actions.weight.values])
        self._most = round(actions.most * NAT)
        self._priors = sweep
        # By whether the principal is cold.
        self._cap: I64 = np.array([round(sweep.cap * NAT), round(sweep.cold * NAT)])

    def new_actions(self, novelty: I64, facets: Facets) -> I64:
        """int64[n]: quanta of actions with this novelty, by their privilege; 0 below the episode's minimum."""
        weighed = np.minimum(novelty * self._weight[facets.privilege] // NAT, self._most)
        return np.where(weighed >= self._minimum, weighed, 0)

    def sweep(self, batch: UseBatch, facets: Facets, slot: I64, cold: Bool, shard: Shard) -> tuple[I64, Denied]:
        """int64[n]: quanta of rows that add a refused action to their hour, and what was counted.

        `slot` is the profile of each row. Advances `shard.denials`, row by row in effect.
        """
        count = shard.denials.advance(batch, facets, slot, shard.principals)
        quanta, usual = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
        rows = np.flatnonzero(count)
        if len(rows):
            rate = self._rate(facets, rows, shard)
            attack = np.full(len(rows), self._priors.attack_rate)
            ratio = count[rows] * (nats(attack) - nats(rate)) - np.rint((attack - rate) * NAT).astype(np.int64)
            quanta[rows] = np.clip(ratio, 0, self._cap[cold[rows].astype(np.int64)])
            usual[rows] = np.rint(rate * 100).astype(np.int64)
        return quanta, Denied(count, usual)

    def _rate(self, facets: Facets, rows: I64, shard: Shard) -> NDArray[np.float64]:
        """Different actions usually refused to the principal in an hour of use."""
        priors, learnt = self._priors, shard.denial_rates
        group = learnt.rate(facets.group[rows], np.full(len(rows), priors.rate), priors.pseudo_hours)
        own = learnt.rate(facets.principal[rows], group, priors.pseudo_hours)
        return np.clip(own, priors.floor, priors.attack_rate)
