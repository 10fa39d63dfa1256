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
# By ladder: its levels, and the parent of its upper values.
_UPPER, _LOWER = np.array(list(LADDERS.values())).T
_ROOTS: Final[U64] = np.array([peers.root_value(ladder) for ladder in range(len(LADDERS))], np.uint64)
_NETWORK: Final = list(LADDERS).index("network")


class Novelty:
    """Novelty of rows against a profile table and a peer table, with the bundle's priors."""

    def __init__(self, priors: NoveltyPriors, minimum: int) -> None:
        self._priors = priors
        self._minimum = minimum
        self._clip = (round(priors.clip[0] * NAT), round(priors.clip[1] * NAT))
        self._base: Floats = np.array([priors.base[level] for level in LEVELS])
        self._denied = round(priors.denied_weight * NAT)

    def score(self, batch: UseBatch, facets: Facets, slot: I64, shard: Shard) -> list[I64]:
        """One int64[n] of quanta for each ladder; rows that cannot reach the episode's minimum are 0.

        Actions are summed over a day, so one that the principal has used is worth 0, however rarely it did. `slot` is
        the profile of each row, -1 where the row is not to be judged.
        """
        quanta = np.zeros((len(LADDERS), len(batch)), np.int64)
        judged = (facets.scored & (slot >= 0))[:, None] & (facets.value[:, _UPPER] != 0)
        judged[:, _NETWORK] &= ~facets.declared
        ladder, rows = np.nonzero(judged.T)
        if len(rows):
            own = self._own(facets, rows, slot[rows], ladder, shard.principals)
            near = self._within_reach(own) & ((_LOWER[ladder] != ACTION) | (own[1][0] == 0))
            rows, ladder, own = rows[near], ladder[near], [(c[near], t[near], k[near]) for c, t, k in own]
        if len(rows):
            ratio = self._down(facets, rows, ladder, own, shard.peers)
            at = np.flatnonzero(ladder == _NETWORK)
            self._by_provider(ratio, at, facets, rows[at], slot[rows[at]], own[0], shard)
            found = ratio.sum(axis=0)
            denied = batch.outcome[rows] == Outcome.DENIED
            quanta[ladder, rows] = np.maximum(np.where(denied, found * self._denied // NAT, found), 0)
        return list(quanta)

    def _own(self, facets: Facets, rows: I64, slot: I64, ladder: I64, profiles: PrincipalTable) -> list[Counts]:
        """Per level: count of the value, total and children of its parent, in the principal's profile."""
        hour = facets.hour[rows]
        level = np.concatenate([_UPPER[ladder], _LOWER[ladder]])
        value = facets.value[np.tile(rows, 2), level]
        total, children = profiles.total(slot, ladder, hour)
        counts, below = profiles.seen(np.tile(slot, 2), level, value, np.tile(hour, 2))
        count, leaf = np.where(value != 0, counts, 0).reshape(2, -1)
        return [(count, total, children), (leaf, count, below[: len(rows)])]

    def _within_reach(self, own: list[Counts]) -> Bool:
        """Rows that could reach the minimum: q is at most 1, so -log of the principal's own share bounds the ratio."""
        bound = np.zeros(len(own[0][0]), np.int64)
        for count, total, _ in own:
            share = np.maximum(count / CELL - self._priors.discount, 0) / (total / CELL + self._priors.concentration)
            least = -nats(np.maximum(share, 1e-9))
            bound += np.minimum(least, self._clip[1])
        near: Bool = bound >= self._minimum
        return near

    def _down(self, facets: Facets, rows: I64, ladder: I64, own: list[Counts], shared: PeerTable) -> I64:
        """int64[level, row]: the log ratios of rows, each down one ladder, 0 for what is unknown."""
        levels = np.stack([_UPPER[ladder], _LOWER[ladder]])
        value = facets.value[rows, levels]
        ratio = self._ratios(facets, rows, value, _ROOTS[ladder], own, self._base[levels], shared)
        return np.where(value != 0, ratio, 0)

    def _by_provider(
        self, ratio: I64, at: I64, facets: Facets, rows: I64, slot: I64, upper: Counts, shard: Shard
    ) -> None:
        """Put provider, and prefix within it, in the place of the ratio of prefixes the principal never used.

        `at` are the places of `rows` in `ratio` and `upper`.
        """
        profiles, hour = shard.principals, facets.hour[rows]
        count, total = upper[0][at], upper[1][at]
        root = ROOT_OF[PROVIDER]
        named, providers = profiles.total(slot, root, hour)
        new = np.flatnonzero((facets.value[rows, PROVIDER] != 0) & (count == 0) & (2 * named >= total))
        if not len(new):
            return
        value = facets.value[rows[new]][:, [PROVIDER, PREFIX]].T
        seen, below = profiles.seen(slot[new], PROVIDER, value[0], hour[new])
        counts = [(seen, named[new], providers[new]), (count[new], seen, below)]
        base = self._base[[PROVIDER, PREFIX]]
        base[1] /= base[0]
        roots = np.full(len(new), peers.root_value(root), np.uint64)
        prior = np.broadcast_to(base[:, None], value.shape)
        both = self._ratios(facets, rows[new], value, roots, counts, prior, shard.peers)
        # Of a provider that it never used every prefix is new: which one it is speaks for the principal at most.
        both[1] = np.where(seen == 0, np.minimum(both[1], 0), both[1])
        ratio[0, at[new]] = np.minimum(both.sum(axis=0), self._clip[1])

    def _ratios(
        self, facets: Facets, rows: I64, value: U64, root: U64, own: list[Counts], base: Floats, shared: PeerTable
    ) -> I64:
        """int64[2, row]: log ratios of a value below a root and of one below that, clipped each, as `base` has."""
        parent = np.stack([root, value[0]])
        members, pairs, children = self._usage(facets, rows, value, parent, shared)
        found = np.empty(value.shape, np.int64)
        for at, prior in enumerate(base):
            realm_p = self._predict(members[at, 0], pairs[at, 0], children[at, 0], prior)
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
