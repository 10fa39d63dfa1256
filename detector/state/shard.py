"""Shard: everything one partition remembers, and the close of an epoch, where it learns.

Inside an epoch the shared tables (profiles, peers, rates) are frozen; only the rows' own credential and holder move.
At the close, in canonical key order: learning, rates, nodes and pods, orphans, expiry, eviction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.domain import HOUR, I64, SECOND, U64, Bool, Outcome, UseBatch
from detector.fingerprint import pods
from detector.fingerprint.facets import ADDRESS, LEVELS, Facets
from detector.fingerprint.hashing import among, mix
from detector.fingerprint.lexicon import Lexicon
from detector.scoring.evidence import Evidence
from detector.state import peers
from detector.state.contexts import ContextTable
from detector.state.credentials import CredentialTable
from detector.state.denials import Denials, DenialTable
from detector.state.epochs import Epochs, Positions, Redeliveries, Timing, Watermark
from detector.state.nodes import Nodes
from detector.state.peers import PeerTable, origin_key
from detector.state.principals import PARENT_OF, PARTS, ROOT_OF, Lessons, PrincipalTable
from detector.state.rates import RateTable
from detector.state.table import Table
from detector.state.workloads import Workloads

_PARENT: Final[I64] = np.array([PARENT_OF.get(level, -1) for level in range(len(LEVELS))])
_ROOT_VALUE: Final[U64] = np.array(
    [peers.root_value(ROOT_OF[level]) if level in ROOT_OF else 0 for level in range(len(LEVELS))], np.uint64
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows kept in each table of a shard at a close."""

    principals: int = 1_000_000
    credentials: int = 2_000_000
    holders: int = 2_000_000
    peers: int = 4_000_000
    rates: int = 1_000_000
    nodes: int = 100_000
    pods: int = 1_000_000


@dataclass(slots=True)
class _Pending:
    """Scored rows of the running epoch, waiting for its close."""

    principal: U64
    group: U64
    realm: U64
    holder: U64
    value: U64
    hour: I64
    opened: Bool
    accepted: Bool
    returns: I64
    refused: Bool


class Shard:
    """State of one partition."""

    def __init__(self, limits: Limits, timing: Timing | None = None) -> None:
        timing = timing or Timing()
        self.positions = Positions()
        self.redeliveries = Redeliveries()
        self.watermark = Watermark(timing.lateness)
        self.epochs = Epochs(bucket=timing.lateness)
        self.lexicon = Lexicon()
        self.principals = PrincipalTable(limits.principals)
        self.credentials = CredentialTable(limits.credentials)
        self.contexts = ContextTable(limits.holders)
        self.peers = PeerTable(limits.peers)
        self.rates = RateTable(limits.rates)
        self.denials = Denials()
        self.denial_rates = DenialTable(limits.rates)
        self.nodes = Nodes(limits.nodes)
        self.workloads = Workloads(limits.pods)
        self.evicted = 0
        self.row = 0  # of the running epoch
        self._swept = 0
        self._pending: list[_Pending] = []

    def admit(self, batch: UseBatch, facets: Facets) -> I64:
        """int64[n]: the profile of each scored row, -1 for the others. New principals start empty."""
        rows = np.flatnonzero(facets.scored)
        slot = np.full(len(batch), -1, np.int64)
        slot[rows], fresh = self.principals.admit(facets.principal[rows])
        np.maximum.at(self.principals.last, slot[rows], (batch.time[rows] // SECOND).astype(np.uint32))
        if len(fresh):
            first = np.zeros(self.principals.index.capacity, np.int64)
            first[slot[rows][::-1]] = rows[::-1]
            at = first[fresh]
            self.principals.first[fresh] = batch.time[at] // SECOND
            self.principals.group[fresh] = facets.group[at]
        facets.group[rows] = self.principals.group[slot[rows]]  # nothing a caller says later moves it to other peers
        return slot

    def note(self, batch: UseBatch, facets: Facets, evidence: Evidence) -> None:
        """Keep what the close will learn from these rows."""
        rows = np.flatnonzero(facets.scored)
        self._pending.append(
            _Pending(
                principal=facets.principal[rows],
                group=facets.group[rows],
                realm=facets.realm[rows],
                holder=facets.holder[rows],
                value=facets.value[rows],
                hour=facets.hour[rows],
                opened=evidence.opened[rows],
                accepted=batch.outcome[rows] != Outcome.DENIED,
                returns=evidence.returns[rows],
                refused=evidence.denied.count[rows] > 0,
            )
        )
        kubelets = self.nodes.note(batch, facets)
        if len(kubelets):
            names = np.zeros(len(batch), np.uint64)
            names[kubelets] = pods.keys(batch, facets, kubelets).node
            self.lexicon.note(names, batch.node, batch.strings, self.row)
        self.workloads.note(batch, facets)
        self.row += len(batch)

    def close(self, suspected: set[int], watermark: int) -> None:
        """Close the epoch at a watermark (microseconds). `suspected` are the keys of principals with an open incident.

        Their rows are quarantined: one cell a day at the principal, nothing upstairs, no returns learnt.
        """
        # First, so that what is learnt is dated by this close: a stream begins decades after generation 0.
        self.peers.generation = max(self.peers.generation, watermark // peers.GENERATION)
        pending = self._collect()
        guilty = np.array(sorted(suspected), np.uint64)
        if len(pending.principal):
            quarantined = among(pending.principal, guilty)
            self._learn(pending, quarantined)
            self._learn_rates(pending, ~quarantined)
        self.nodes.learn(guilty, self.peers)
        self.workloads.learn()
        self.credentials.orphan()
        self.credentials.settle()
        self._forget(watermark)
        self.lexicon.turn()
        self.redeliveries.turn()
        self.denials.turn()
        self.row = 0

    def _collect(self) -> _Pending:
        names = _Pending.__slots__
        columns = {name: [getattr(part, name) for part in self._pending] for name in names}
        self._pending.clear()
        if not columns["principal"]:
            empty = np.zeros(0, np.uint64)
            return _Pending(*(empty for _ in names))  # type: ignore[arg-type]
        return _Pending(**{name: np.concatenate(parts) for name, parts in columns.items()})

    def _learn(self, pending: _Pending, quarantined: Bool) -> None:
        hour = np.where(quarantined, pending.hour - pending.hour % 24, pending.hour)
        row, level = self._taught(pending, hour, quarantined)
        value, slot = pending.value[row, level], self.principals.find(pending.principal)[row]
        new_hour, new_day = self.principals.stale(slot, level, value, hour[row])
        here = np.flatnonzero(new_hour & (value != 0))
        row, level, value, slot, new_day = row[here], level[here], value[here], slot[here], new_day[here]
        parent = np.where(_PARENT[level] < 0, np.uint64(0), pending.value[row, _PARENT[level]])
        lessons = Lessons(slot, level, value, parent, hour[row])
        self.principals.learn(lessons.canonical(pending.principal[row]))
        upstairs = np.flatnonzero(new_day & ~quarantined[row])
        opened = pending.opened & pending.accepted & ~quarantined
        seen = np.flatnonzero(opened & (pending.value[:, ADDRESS] != 0))
        seen = np.concatenate([seen, row[upstairs[level[upstairs] == ADDRESS]]])
        told = (
            *self._shared(pending, row[upstairs], level[upstairs], value[upstairs], parent[upstairs]),
            (origin_key(pending.realm[seen], pending.value[seen, ADDRESS]), pending.holder[seen]),
        )
        keys, members = (np.concatenate(column) for column in zip(*told, strict=True))
        self.peers.add(keys, members)

    def _taught(self, pending: _Pending, hour: I64, quarantined: Bool) -> tuple[I64, I64]:
        """Accepted rows, and the levels at which they teach what no earlier one does."""
        accepted = np.flatnonzero(pending.accepted)
        value = pending.value[accepted]
        when = mix(pending.principal[accepted], (2 * hour + quarantined)[accepted].astype(np.uint64))
        rows, levels = [], []
        for part in PARTS:
            key = when
            for level in part.levels:
                key = mix(key, value[:, level])
            _, first = np.unique(key, return_index=True)
            rows.append(np.tile(accepted[first], len(part.levels)))
            levels.append(np.repeat(part.levels, len(first)))
        return np.concatenate(rows), np.concatenate(levels)

    def _shared(self, pending: _Pending, rows: I64, level: I64, value: U64, parent: U64) -> tuple[tuple[U64, U64], ...]:
        """Keys and members that tell peer groups and realms that principals used values."""
        scope = np.concatenate([pending.group[rows], pending.realm[rows]])
        principal, value, parent = np.tile(pending.principal[rows], 2), np.tile(value, 2), np.tile(parent, 2)
        root, pair = np.tile(_ROOT_VALUE[level], 2), mix(principal, value)
        above = np.where(root != 0, root, parent)
        both = np.flatnonzero((root != 0) & (parent != 0))  # prefixes whose provider is known
        under, within = np.concatenate([above, parent[both]]), np.concatenate([scope, scope[both]])
        return (
            (peers.members_key(scope, value), principal),
            (peers.pairs_key(within, under), np.concatenate([pair, pair[both]])),
            (peers.children_key(within, under), np.concatenate([value, value[both]])),
        )

    def _learn_rates(self, pending: _Pending, free: Bool) -> None:
        rows = np.flatnonzero(free)
        keys = np.concatenate([pending.principal[rows], pending.group[rows]])
        distinct, inverse = np.unique(keys, return_inverse=True)
        returns = np.zeros((len(distinct), 2), np.int64)
        np.add.at(returns, inverse, np.tile(pending.returns[rows], (2, 1)))
        self.rates.learn(distinct, np.bincount(inverse, minlength=len(distinct)), returns)
        denied = (pending.principal[rows], pending.group[rows], pending.hour[rows], pending.refused[rows])
        self.denial_rates.learn(*denied)

    def _forget(self, watermark: int) -> None:
        """Expire and evict. The whole tables are looked through once an hour of event time, or when one is full."""
        hour = watermark // HOUR
        tables = self._tables
        if hour == self._swept and not any(table.is_full for table in tables):
            return
        self._swept = hour
        now = watermark // SECOND
        gone = (
            (self.credentials, self.credentials.ended(now)),
            (self.contexts, self.contexts.idle(now)),
            (self.principals, self.principals.forget()),
            (self.peers, self.peers.forget()),
            (self.rates, self.rates.forget()),
            (self.denial_rates, self.denial_rates.forget()),
            *self.nodes.gone(now),
            *self.workloads.gone(now),
        )
        for table, slots in gone:
            table.release(slots)
            self.evicted += len(slots)

    @property
    def _tables(self) -> tuple[Table, ...]:
        own = (self.principals, self.credentials, self.contexts, self.peers, self.rates, self.denial_rates)
        return (*own, *self.nodes.tables, *self.workloads.tables)

    def digest(self) -> bytes:
        """SHA-256 of everything remembered, tables by key; independent of slots and batches."""
        total = hashlib.sha256()
        parts = (self.positions, self.redeliveries, self.watermark, self.epochs, self.denials)
        for part in (*parts, self.nodes, self.workloads):
            total.update(part.digest())
        for table in self._tables:
            total.update(table.digest())
        for column in self._pending_columns():
            total.update(column)
        return total.digest()

    def _pending_columns(self) -> list[bytes]:
        names = _Pending.__slots__
        return [
            np.concatenate([getattr(one, name) for one in self._pending]).tobytes() for name in names if self._pending
        ]
