"""Concurrency: what the contexts of one holder say when they alternate.

A replay interleaves (A, B, A); a handover does not. Each *return* to a network that was active within the window,
after another one began, is worth log(π / ρ), where ρ is the benign return rate learnt for the principal, backing off
to its peer group and to the bundle, and is expected while the old context drains (detection-methods 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.bundle import BindingPriors, ConcurrencyPriors
from detector.domain import HOUR, I8, I64, KINDS, SECOND, U8, Bool, UseBatch
from detector.fingerprint.facets import ADDRESS, CLIENT, FAMILY, PREFIX, Facets
from detector.scoring import binding
from detector.scoring.binding import WAYS, PodPlaces, low
from detector.scoring.evidence import SeenContext
from detector.scoring.fixed import NAT, nats
from detector.state.contexts import SLOTS
from detector.state.rates import KNOWN, STRANGE, RateTable
from detector.state.rounds import rounds
from detector.state.shard import Shard

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Contexts:
    """What stepping through a batch found: columns over all rows, in quanta, and `seen` for candidate rows."""

    concurrency: I64
    path: I64  # returns over another network of clients the principal or its peers are known to run
    binding: I64
    returns: I64  # int64[n, 2]: 1 where the row is a return, by whether a client is strange
    opened: Bool  # the row opened a context of its holder
    seen: dict[int, tuple[SeenContext, ...]]


class Concurrency:
    """Steps the contexts of holders through batches."""

    def __init__(self, priors: ConcurrencyPriors, bound: BindingPriors, minimum: int) -> None:
        self.minimum = minimum
        self.strange = priors.strange
        # By whether the client of a contradicting context is strange.
        self.contradiction: I64 = np.array([round(bound.known_client * NAT), round(bound.contradiction * NAT)])
        self.window = priors.window_hours * HOUR // SECOND
        self._priors = priors
        self._prior_rate: Floats = np.array([priors.rate.of(kind) for kind in KINDS])
        drain = [priors.drain_return * math.exp(-s / priors.drain_seconds) for s in range(20 * priors.drain_seconds)]
        self._drain: Floats = np.array([*drain, 0.0])

    def step(self, batch: UseBatch, facets: Facets, novel: Bool, shard: Shard) -> Contexts:
        """Advance the holders of scored rows, row by row in effect.

        Holders whose rows all stay in their current context, with nothing to report, are advanced at once; the others
        in rounds. `novel` marks rows that are candidates already, whose contexts must be noted as of that row.
        """
        walk = _Walk(self, batch, facets, novel, shard)
        by_row = walk.advance_still()
        if len(by_row):
            walk.look_up(by_row)
        for part in rounds(walk.holder[by_row]):
            walk.advance(by_row[part])
        return walk.found

    def rate(self, batch: UseBatch, facets: Facets, rows: I64, kind: I64, rates: RateTable) -> Floats:
        """Benign rate of returns of `kind` at `rows`, learnt for the principal and its peer group."""
        group = rates.rate(facets.group[rows], kind, self._prior_rate[batch.kind[rows]], self._priors.pseudo_uses)
        return rates.rate(facets.principal[rows], kind, group, self._priors.pseudo_uses)

    def gain(self, rate: Floats, since: I64) -> I64:
        """Quanta of returns with a benign `rate`, `since` seconds after the younger context began."""
        drain = self._drain[np.clip(since, 0, len(self._drain) - 1)]
        benign = np.maximum(np.maximum(rate, self._priors.floor), drain)
        attack = nats(np.full(len(rate), self._priors.return_probability))
        gain: I64 = np.maximum(attack - nats(benign), 0)
        return gain


class _Walk:
    """One batch on its way through the contexts."""

    def __init__(self, rules: Concurrency, batch: UseBatch, facets: Facets, novel: Bool, shard: Shard) -> None:
        n = len(batch)
        self.rules, self.batch, self.facets, self.novel, self.shard = rules, batch, facets, novel, shard
        self.contexts = shard.contexts
        self.seconds = batch.time // SECOND
        self.rows = np.flatnonzero(facets.scored & (facets.holder != 0))
        self.holder = np.full(n, -1, np.int64)
        self.holder[self.rows], self._fresh = self.contexts.admit(facets.holder[self.rows])
        self.pods = binding.pod_places(batch, facets, shard)
        # Of rows that are advanced in rounds, by tables that are frozen meanwhile: looked up once, for all rounds.
        self.strange = np.zeros(n, np.bool_)
        self.rate: Floats = np.zeros((n, 2))  # of benign returns, by their kind
        self.found = Contexts(
            concurrency=np.zeros(n, np.int64),
            path=np.zeros(n, np.int64),
            binding=np.zeros(n, np.int64),
            returns=np.zeros((n, 2), np.int64),
            opened=np.zeros(n, np.bool_),
            seen={},
        )

    def advance_still(self) -> I64:
        """Advance holders that stay where they are; the rows of the others, in order."""
        table, rows, holder = self.contexts, self.rows, self.holder[self.rows]
        current = table.current[holder]
        stays = (
            (table.context[holder, current] == self.facets.context[rows])
            & (table.filled[holder] > 0)
            & (_bit(table.suspect[holder], current) == 0)
            & ~self.novel[rows]
        )
        if self.pods is not None:
            stays &= ~self.pods.other[rows]
        moving = np.zeros(table.index.capacity, np.bool_)
        moving[self._fresh] = True
        moving[holder[~stays]] = True
        still = rows[~moving[holder]]
        at = (self.holder[still], table.current[self.holder[still]])
        np.maximum.at(table.last, at, self.seconds[still].astype(np.uint32))
        np.minimum.at(table.first, at, self.seconds[still].astype(np.uint32))
        return rows[moving[holder]]

    def look_up(self, rows: I64) -> None:
        """What is frozen, of rows that will be advanced in rounds.

        A holder whose contexts are all known opens none; one that shows a single context returns to none.
        """
        slot = self.holder[rows]
        opens = np.zeros(self.contexts.index.capacity, np.bool_)
        opens[slot[~self._known(rows).any(axis=1)]] = True
        opening = rows[opens[slot]]
        self.strange[opening] = binding.strange(self.facets, opening, self.rules.strange, self.shard)
        returning = rows[(self.contexts.filled[slot] > 1) | opens[slot]]
        twice, kind = np.tile(returning, 2), np.repeat((KNOWN, STRANGE), len(returning))
        self.rate[twice, kind] = self.rules.rate(self.batch, self.facets, twice, kind, self.shard.rates)

    def _known(self, rows: I64) -> Bool:
        """bool[len(rows), SLOTS]: which context of its holder each row is of."""
        table, slot = self.contexts, self.holder[rows]
        filled = table.filled[slot][:, None] > WAYS
        known: Bool = filled & (table.context[slot] == self.facets.context[rows][:, None])
        return known

    def advance(self, rows: I64) -> None:
        """One row of each of several holders."""
        table, found = self.contexts, self.found
        slot, now = self.holder[rows], self.seconds[rows]
        match = self._known(rows)
        known, way = match.any(axis=1), match.argmax(axis=1)
        if not known.all():
            new = ~known
            way[new] = self._open(rows[new])
        current = table.current[slot]
        back = known & (way != current)
        if back.any():
            self._return(rows[back], way[back])
        # A late row does not move its holder back: the next use of the newer context would look like a return.
        newest = now >= table.last[slot, current]
        table.last[slot, way] = np.maximum(table.last[slot, way], now)
        table.first[slot, way] = np.minimum(table.first[slot, way], now)
        table.current[slot] = np.where(newest, way, current)
        suspect = _bit(table.suspect[slot], way) == 1
        if suspect.any():
            found.binding[rows] = np.where(suspect, self.rules.contradiction[_bit(table.strange[slot], way)], 0)
        if self.pods is not None:
            self._place_pods(self.pods, rows, way)
        gain = np.maximum(found.concurrency[rows], found.path[rows])
        strong = self.novel[rows] | (found.binding[rows] > 0) | (gain >= self.rules.minimum)
        for at in np.flatnonzero(strong).tolist():
            found.seen[int(rows[at])] = self._seen(int(slot[at]), int(way[at]))

    def _place_pods(self, pods: PodPlaces, rows: I64, way: I64) -> None:
        """Binding of pods: where they are is looked up for every row, because nodes of one prefix share a context."""
        at = np.flatnonzero(pods.pod[rows])
        rows, way = rows[at], way[at]
        table, slot, bit = self.contexts, self.holder[rows], np.uint8(1) << way.astype(np.uint8)
        other = pods.other[rows]
        if not (other | (table.suspect[slot] & bit > 0)).any():  # where nothing is marked, nothing is to be unmarked
            return
        proven = other & (
            binding.moved(self.facets, rows, slot, self.shard) | (pods.seen[rows] >= table.first[slot, way])
        )
        there = table.address[slot, way] == self.facets.value[rows, ADDRESS]
        marks = table.suspect[slot] | np.where(proven & there, bit, 0)
        # Its node is seen there by now, or shares its addresses after all.
        table.suspect[slot] = np.where(other | pods.free[rows], marks, marks & ~bit)
        suspect = _bit(table.suspect[slot], way) == 1
        # What was strange on a principal's first day may be its habit by now.
        accuses, open_to = proven.copy(), np.flatnonzero(suspect & ~proven)
        accuses[open_to] = binding.strange(self.facets, rows[open_to], self.rules.strange, self.shard)
        self.found.binding[rows] = np.where(other | suspect, self.rules.contradiction[accuses.astype(np.int64)], 0)

    def _open(self, rows: I64) -> I64:
        """Open a context of each holder, in the place of the longest unused one where all are taken; its place."""
        table, facets, slot = self.contexts, self.facets, self.holder[rows]
        filled = table.filled[slot][:, None] > WAYS
        way: I64 = np.where(filled, table.last[slot].astype(np.int64), -1).argmin(axis=1)
        clash = binding.contradicts(self.batch.kind, facets, rows, slot, self.shard)
        if self.pods is not None:
            clash |= binding.leaves_node(self.pods, facets, rows, slot, self.shard)
        table.context[slot, way] = facets.context[rows]
        table.address[slot, way] = facets.value[rows, ADDRESS]
        table.client[slot, way] = facets.value[rows, CLIENT]
        table.prefix[slot, way] = low(facets.value[rows, PREFIX])
        table.family[slot, way] = low(facets.value[rows, FAMILY])
        table.delivery[slot, way] = low(facets.delivery[rows])
        table.first[slot, way] = self.seconds[rows]
        table.last[slot, way] = self.seconds[rows]
        table.filled[slot] = np.minimum(np.maximum(table.filled[slot], way + 1), SLOTS)
        bit = np.uint8(1) << way.astype(np.uint8)
        table.suspect[slot] = (table.suspect[slot] & ~bit) | np.where(clash, bit, 0)
        table.strange[slot] = (table.strange[slot] & ~bit) | np.where(self.strange[rows], bit, 0)
        self.found.opened[rows] = True
        return way

    def _return(self, rows: I64, way: I64) -> None:
        """Go back to an earlier context: a return, if its network is another, lately active, and the row not late."""
        table, found, slot, now = self.contexts, self.found, self.holder[rows], self.seconds[rows]
        current = table.current[slot]
        began = table.first[slot, current].astype(np.int64)
        network = table.prefix[slot, way] != table.prefix[slot, current]
        is_return = network & (now - table.last[slot, way] <= self.rules.window) & (now >= began)
        client = table.family[slot, way] != table.family[slot, current]
        since = now - np.maximum(began, table.first[slot, way])
        # Alternation accuses where a context is strange. Known ones on two paths (NAT pools, endpoints, dual-homed
        # hosts, an agent beside the workload) only support.
        strange = client & (_bit(table.strange[slot], way) | _bit(table.strange[slot], current) == 1)
        kind = np.where(strange, STRANGE, KNOWN)
        gain = self.rules.gain(self.rate[rows, kind], since)
        found.concurrency[rows] = np.where(is_return & strange, gain, 0)
        found.path[rows] = np.where(is_return & ~strange, gain, 0)
        found.returns[rows, kind] = is_return

    def _seen(self, slot: int, here: int) -> tuple[SeenContext, ...]:
        """The contexts of a holder, that of the row first."""
        table = self.contexts
        order = [here, *(way for way in range(int(table.filled[slot])) if way != here)]
        return tuple(
            SeenContext(
                address=int(table.address[slot, way]),
                client=int(table.client[slot, way]),
                first=int(table.first[slot, way]),
                last=int(table.last[slot, way]),
                suspect=bool(table.suspect[slot] >> way & 1),
            )
            for way in order
        )


def _bit(marks: U8, way: I64 | I8) -> I64:
    """Bit `way` of each mark, as 0 or 1."""
    return ((marks >> way.astype(np.uint8)) & 1).astype(np.int64)
