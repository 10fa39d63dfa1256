"""Novelty: how much better an attacker explains a value than the principal, its peers and its realm do.

For each level of a ladder, an interpolated Kneser-Ney predictive probability that backs off from the principal (hour
cells) to its peer group and its realm (distinct principals) and to the bundle (detection-methods 2.1):

    p_T = (max(a - d, 0) + (θ + d·K_T)·p_0) / (A + θ)
    p_g = (max(m - d, 0) + (θ + d·K_g)·p_T) / (M + θ)
    p_c = (max(n - d, 0) + (θ + d·K_c)·p_g) / (N + θ)

against the attacker mixture q = w·p_0 + (1 - w)·p_T. The log ratio log q - log p_c is clipped per level and summed
along the ladder, because levels are conditional on their parents. The tables are frozen within an epoch, so every row
is judged alone: nothing here depends on the order or the cut of rows.

A prefix that the principal never used is judged by its provider where that is known: how novel the provider is, and how
novel the prefix is among those of the provider, together at most what one level is worth. A prefix that it used is
judged as without: a name that the operator gives to a network makes it no newer. Nor is anything judged by provider
before half of the principal's history names one, so that new assets raise nothing. Where a principal was declared to
come from, no network is novel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.bundle import NoveltyPriors
from detector.domain import I64, U64, Bool, Outcome, UseBatch
from detector.fingerprint.facets import ACTION, LADDERS, LEVELS, PREFIX, PROVIDER, Facets
from detector.scoring.fixed import CELL, NAT, nats
from detector.state import peers
from detector.state.peers import PeerTable
from detector.state.principals import ROOT_OF, PrincipalTable
from detector.state.shard import Shard

Floats = NDArray[np.float64]
Counts = tuple[I64, I64, I64]  # of the value, of its parent, and the parent's children
_LEVELS_OF: Final = tuple(LADDERS.values())


class Novelty:
    """Novelty of rows against a profile table and a peer table, with the bundle's priors."""

    def __init__(self, priors: NoveltyPriors, minimum: int) -> None:
        self._priors = priors
        self._minimum = minimum
        self._clip = (round(priors.clip[0] * NAT), round(priors.clip[1] * NAT))
        self._denied = round(priors.denied_weight * NAT)

    def score(self, batch: UseBatch, facets: Facets, slot: I64, shard: Shard) -> list[I64]:
        """One int64[n] of quanta for each ladder; rows that cannot reach the episode's minimum are 0.

        Actions are summed over a day, so one that the principal has used is worth 0, however rarely it did. `slot` is
        the profile of each row, -1 where the row is not to be judged.
        """
        denied = batch.outcome == Outcome.DENIED
        found = []
        for ladder, levels in enumerate(LADDERS.values()):
            quanta = np.zeros(len(batch), np.int64)
            judged = facets.scored & (slot >= 0) & (facets.value[:, levels[0]] != 0)
            rows = np.flatnonzero(judged & ~facets.declared if PREFIX in levels else judged)
            if ACTION in levels:
                used, _ = shard.principals.seen(slot[rows], ACTION, facets.value[rows, ACTION], facets.hour[rows])
                rows = rows[used == 0]
            own = self._own(facets, rows, slot[rows], ladder, shard.principals)
            near = self._within_reach(own)
            rows, own = rows[near], [(c[near], t[near], k[near]) for c, t, k in own]
            if len(rows):
                ratio = self._ladder(facets, rows, ladder, own, shard.peers)
                if PREFIX in levels:
                    self._by_provider(ratio[0], facets, rows, slot[rows], own[0], shard)
                quanta[rows] = ratio.sum(axis=0)
            quanta = np.where(denied, quanta * self._denied // NAT, quanta)
            found.append(np.maximum(quanta, 0))
        return found

    def _own(self, facets: Facets, rows: I64, slot: I64, ladder: int, profiles: PrincipalTable) -> list[Counts]:
        """Per level: count of the value, total and children of its parent, in the principal's profile."""
        hour = facets.hour[rows]
        levels = _LEVELS_OF[ladder]
        upper, lower = (facets.value[rows, level] for level in levels)
        total, children = profiles.total(slot, ladder, hour)
        count, below = profiles.seen(slot, levels[0], upper, hour)
        leaf, _ = profiles.seen(slot, levels[1], lower, hour)
        return [(count, total, children), (np.where(lower != 0, leaf, 0), count, below)]

    def _within_reach(self, own: list[Counts]) -> Bool:
        """Rows that could reach the minimum: q is at most 1, so -log of the principal's own share bounds the ratio."""
        bound = np.zeros(len(own[0][0]), np.int64)
        for count, total, _ in own:
            share = np.maximum(count / CELL - self._priors.discount, 0) / (total / CELL + self._priors.concentration)
            least = -nats(np.maximum(share, 1e-9))
            bound += np.minimum(least, self._clip[1])
        near: Bool = bound >= self._minimum
        return near

    def _ladder(self, facets: Facets, rows: I64, ladder: int, own: list[Counts], shared: PeerTable) -> I64:
        """int64[level, row]: the log ratios of rows down one ladder, 0 for what is unknown."""
        levels = _LEVELS_OF[ladder]
        value = facets.value[rows][:, levels].T
        base = [self._priors.base[LEVELS[level]] for level in levels]
        ratio = self._ratios(facets, rows, value, peers.root_value(ladder), own, base, shared)
        return np.where(value != 0, ratio, 0)

    def _by_provider(self, ratio: I64, facets: Facets, rows: I64, slot: I64, own: Counts, shard: Shard) -> None:
        """Put provider, and prefix within it, in the place of the `ratio` of prefixes the principal never used."""
        profiles, hour = shard.principals, facets.hour[rows]
        count, total, _ = own
        root = ROOT_OF[PROVIDER]
        named, providers = profiles.total(slot, root, hour)
        at = np.flatnonzero((facets.value[rows, PROVIDER] != 0) & (count == 0) & (2 * named >= total))
        if not len(at):
            return
        value = facets.value[rows[at]][:, [PROVIDER, PREFIX]].T
        seen, below = profiles.seen(slot[at], PROVIDER, value[0], hour[at])
        counts = [(seen, named[at], providers[at]), (count[at], seen, below)]
        base = self._priors.base["provider"]
        within = self._priors.base["prefix"] / base
        both = self._ratios(facets, rows[at], value, peers.root_value(root), counts, [base, within], shard.peers)
        # Of a provider that it never used every prefix is new: which one it is speaks for the principal at most.
        both[1] = np.where(seen == 0, np.minimum(both[1], 0), both[1])
        ratio[at] = np.minimum(both.sum(axis=0), self._clip[1])

    def _ratios(
        self,
        facets: Facets,
        rows: I64,
        value: U64,
        root: int,
        own: list[Counts],
        base: list[float],
        shared: PeerTable,
    ) -> I64:
        """int64[2, row]: log ratios of a value below a root and of one below that, clipped each."""
        parent = np.stack([np.full(len(rows), root, np.uint64), value[0]])
        members, pairs, children = self._usage(facets, rows, value, parent, shared)
        found = np.empty(value.shape, np.int64)
        for at, prior in enumerate(base):
            realm_p = self._predict(members[at, 0], pairs[at, 0], children[at, 0], np.full(len(rows), prior))
            group_p = self._predict(members[at, 1], pairs[at, 1], children[at, 1], realm_p)
            count, hours, own_children = own[at]
            own_p = self._predict(count / CELL, hours / CELL, own_children.astype(np.float64), group_p)
            attacker = self._priors.attacker_weight * prior + (1 - self._priors.attacker_weight) * realm_p
            found[at] = np.clip(nats(attacker) - nats(own_p), *self._clip)
        return found

    def _usage(self, facets: Facets, rows: I64, value: U64, parent: U64, shared: PeerTable) -> list[Floats]:
        """Members, pairs and children as float64[level, scope, row], the scopes being realm and peer group."""
        shape = (len(value), 2, len(rows))
        scope = np.broadcast_to(np.stack([facets.realm[rows], facets.group[rows]]), shape).ravel()
        value, parent = (np.broadcast_to(column[:, None], shape).ravel() for column in (value, parent))
        return [found.reshape(shape) / peers.UNIT for found in shared.usage(scope, value, parent)]

    def _predict(self, count: Floats, total: Floats, children: Floats, below: Floats) -> Floats:
        d, theta = self._priors.discount, self._priors.concentration
        escape = theta + d * np.minimum(children, total)
        return (np.maximum(count - d, 0) + escape * below) / (total + theta)
