"""Nodes: the addresses that the nodes of a cluster speak from, learnt from what their kubelets send.

A node keeps its four latest addresses, each with the interval in which it was seen there; an address keeps the node
that used it last. Two nodes whose intervals at one address overlap are behind a gateway: neither the address nor the
nodes tell anything then. A node that takes over the address of one that is gone overlaps with nobody.

Everything is learnt at the close of an epoch, from intervals of event time, so the order of rows does not matter, and
is frozen until the next.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from detector.domain import DAY, HOUR, I64, SECOND, U32, U64, Bool, UseBatch
from detector.fingerprint.facets import ADDRESS, Facets
from detector.fingerprint.hashing import among, mix
from detector.fingerprint.pods import PodKeys, accepted, by_kubelets, by_pods, keys
from detector.state.peers import UNIT, PeerTable, carrier_key
from detector.state.rounds import rounds
from detector.state.table import Table

ADDRESSES: Final = 4
KEPT: Final = 3 * DAY // SECOND  # an address, or the mark of a gateway, counts this long after it was last seen
CURRENT: Final = HOUR // SECOND  # a node that was not seen this long may be gone, and its address another's
# Pods of this many other nodes at one address: an egress gateway stands there.
CARRIED: Final = 3
_WAYS: Final = np.arange(ADDRESSES)


class NodeTable(Table):
    """Nodes by key: their addresses, with the seconds they were first and last seen there (0 = no address)."""

    layout: ClassVar = {
        "address": (np.uint64, ADDRESSES),
        "text": (np.uint64, ADDRESSES),  # lexicon keys, for explanations
        "first": (np.uint32, ADDRESSES),
        "last": (np.uint32, ADDRESSES),
        "shared": (np.uint32, 0),  # last second at which another node was seen at one of its addresses, too
    }
    address: U64
    text: U64
    first: U32
    last: U32
    shared: U32

    def claim(self, node: U64, address: U64, text: U64, first: U32, last: U32) -> None:
        """Take in one interval of each of several nodes; the four latest addresses are kept."""
        slot, _ = self.admit(node)
        match = (self.address[slot] == address[:, None]) & (self.last[slot] > 0)
        way = np.where(match.any(axis=1), match.argmax(axis=1), self.last[slot].argmin(axis=1))
        before = self.last[slot, way]
        known = match.any(axis=1)
        kept = known | (last > before)
        slot, way, before, known = slot[kept], way[kept], before[kept], known[kept]
        lasting = known & (first[kept].astype(np.int64) <= before.astype(np.int64) + KEPT)
        self.first[slot, way] = np.where(lasting, np.minimum(self.first[slot, way], first[kept]), first[kept])
        self.last[slot, way] = np.where(known, np.maximum(before, last[kept]), last[kept])
        self.address[slot, way], self.text[slot, way] = address[kept], text[kept]

    def interval(self, node: U64, address: U64) -> tuple[Bool, U32, U32]:
        """Whether each node is known at an address, and since and until when."""
        slot = self.find(node)
        match = (self.address[slot] == address[:, None]) & (self.last[slot] > 0) & (slot >= 0)[:, None]
        at = (slot, match.argmax(axis=1))
        return match.any(axis=1), self.first[at], self.last[at]

    def gone(self, now: int) -> I64:
        """Slots that can go at a close: not seen for days as of `now` (seconds), then the longest unseen over limit."""
        slots = self.index.slots()
        last = self.last[slots].max(axis=1, initial=0).astype(np.int64)
        return np.union1d(slots[last + KEPT < now], self.evict(last))


class AddressTable(Table):
    """Addresses by key: the node that used each last, since and until when, and when two were last seen there."""

    layout: ClassVar = {
        "node": (np.uint64, 0),
        "first": (np.uint32, 0),
        "last": (np.uint32, 0),
        "shared": (np.uint32, 0),
    }
    node: U64
    first: U32
    last: U32
    shared: U32

    def settle(self, node: U64, address: U64, first: U32, last: U32) -> None:
        """Take in the intervals of distinct (node, address) pairs: who was there together, who was there last."""
        known, _ = self.admit(np.unique(address))
        owned = known[self.node[known] != 0]
        # The owner before this epoch takes part, unless it has an interval in it, which then goes back as far.
        owner = owned[~np.isin(mix(self.node[owned], self.index.keys[owned]), mix(node, address))]
        slot = np.concatenate([self.find(address), owner])
        node = np.concatenate([node, self.node[owner]])
        since = np.concatenate([first, self.first[owner]]).astype(np.int64)
        until = np.concatenate([last, self.last[owner]]).astype(np.int64)
        self._overlap(slot, node, since, until)
        latest = np.lexsort((node, until, slot))
        latest = latest[np.concatenate([slot[latest][1:] != slot[latest][:-1], [True]])]
        at = slot[latest]
        self.node[at], self.first[at], self.last[at] = node[latest], since[latest], until[latest]

    def _overlap(self, slot: I64, node: U64, first: I64, last: I64) -> None:
        """Mark the addresses at which the intervals of two nodes overlap."""
        order = np.lexsort((node, first, slot))
        slot, first, last = slot[order], first[order], last[order]
        # The latest end so far at the same address: a running maximum that begins anew with each address.
        group = np.cumsum(np.concatenate([[True], slot[1:] != slot[:-1]])) << 33
        so_far = np.maximum.accumulate(group | last)[:-1] - group[1:]
        both = np.flatnonzero(first[1:] <= so_far)
        np.maximum.at(self.shared, slot[1:][both], np.minimum(last[1:], so_far)[both].astype(np.uint32))

    def gone(self, now: int) -> I64:
        """Slots that can go at a close, as for nodes."""
        slots = self.index.slots()
        last = self.last[slots].astype(np.int64)
        return np.union1d(slots[last + KEPT < now], self.evict(last))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where rows of pods came from, as of the last close; one value for each row looked up."""

    judged: Bool  # the pod's node is known, by addresses of its own
    own: Bool  # from an address of the pod's node
    other: U64  # key of the other node whose address it is; 0 = of none
    seen: I64  # seconds: when that node was last seen there
    free: Bool  # from an address that is no node's, or was once: nothing explains it
    held: U64  # uint64[n, ADDRESSES]: lexicon keys of the addresses of the pod's node, 0 = none


class Nodes:
    """The nodes of all clusters, their addresses, and what the running epoch saw of them."""

    def __init__(self, limit: int) -> None:
        self.nodes = NodeTable(limit)
        self.addresses = AddressTable(ADDRESSES * limit)
        self._kubelets: list[_Seen] = []
        self._pods: list[_Seen] = []

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables to bound and to digest."""
        return self.nodes, self.addresses

    def note(self, batch: UseBatch, facets: Facets) -> I64:
        """Keep what the close will learn from these rows; which of them are kubelets'."""
        kubelets, pods = by_kubelets(batch), by_pods(batch, facets)
        for pending, rows in ((self._kubelets, kubelets), (self._pods, pods)):
            if len(rows):
                pending.append(_seen(batch, facets, rows[accepted(batch, rows)]))
        return kubelets

    def learn(self, suspected: U64, peers: PeerTable) -> None:
        """At a close: take in what was seen, but of principals with an open incident."""
        if self._kubelets:
            self._settle(_collect(self._kubelets, suspected))
        if self._pods:
            pods = _collect(self._pods, suspected)
            slot, second = self.addresses.find(pods.address), pods.second.astype(np.int64)
            present = (self.addresses.first[slot] <= second) & (second <= self.addresses.last[slot] + np.int64(CURRENT))
            guests = np.flatnonzero((slot >= 0) & (self.addresses.node[slot] != pods.node) & present)
            if len(guests):
                peers.add(carrier_key(pods.address[guests]), pods.node[guests])

    def _settle(self, seen: _Seen) -> None:
        if not len(seen.node):
            return
        _, at, pair = np.unique(mix(seen.node, seen.address), return_index=True, return_inverse=True)
        first, last = np.full(len(at), 0xFFFFFFFF, np.uint32), np.zeros(len(at), np.uint32)
        np.minimum.at(first, pair, seen.second)
        np.maximum.at(last, pair, seen.second)
        node, address, text = seen.node[at], seen.address[at], seen.text[at]
        latest = np.lexsort((address, -last.astype(np.int64), node))
        for turn, part in enumerate(rounds(node[latest])):
            if turn == ADDRESSES:
                break
            rows = latest[part]
            self.nodes.claim(node[rows], address[rows], text[rows], first[rows], last[rows])
        held, since, until = self.nodes.interval(node, address)
        node, address, since, until = node[held], address[held], since[held], until[held]
        if not len(node):  # rows so late that their nodes have four later addresses
            return
        self.addresses.settle(node, address, since, until)
        shared = self.addresses.shared[self.addresses.find(address)]
        np.maximum.at(self.nodes.shared, self.nodes.find(node), shared)

    def standing(self, keys: PodKeys, seconds: I64, peers: PeerTable) -> Standing:
        """Where rows came from, `seconds` of event time."""
        slot = self.nodes.find(keys.node)
        held = (self.nodes.last[slot] > 0) & (self.nodes.last[slot] + KEPT >= seconds[:, None])
        known = (slot >= 0) & held.any(axis=1) & keys.placed
        judged = known & ~_lately(self.nodes.shared[slot], seconds)
        own = known & (held & (self.nodes.address[slot] == keys.address[:, None])).any(axis=1)
        at = self.addresses.find(keys.address)
        claimed = (at >= 0) & (self.addresses.node[at] != keys.node)
        crowd = claimed & (_lately(self.addresses.shared[at], seconds) | self._carries(keys.address, claimed, peers))
        first, last = (column[at].astype(np.int64) for column in (self.addresses.first, self.addresses.last))
        there = claimed & ~crowd & (seconds >= first) & (seconds <= last + CURRENT)
        return Standing(
            judged=judged,
            own=own,
            other=np.where(judged & ~own & there, self.addresses.node[at], np.uint64(0)),
            seen=np.where(claimed, last, 0),
            free=judged & ~own & ~there & ~crowd,
            held=np.where(held & judged[:, None], self.nodes.text[slot], np.uint64(0)),
        )

    def _carries(self, address: U64, claimed: Bool, peers: PeerTable) -> Bool:
        """Addresses of nodes through which pods of several others speak."""
        carries: Bool = np.zeros(len(address), np.bool_)
        rows = np.flatnonzero(claimed)
        if len(rows):
            carries[rows] = peers.estimate(carrier_key(address[rows])) >= CARRIED * UNIT
        return carries

    def texts(self, node: int) -> list[int]:
        """Lexicon keys of the addresses of a node, the latest first."""
        slot = int(self.nodes.find(np.array([node], np.uint64))[0])
        if slot < 0:
            return []
        last = self.nodes.last[slot].astype(np.int64)
        order = [way for way in np.lexsort((_WAYS, -last)).tolist() if last[way]]
        return [int(self.nodes.text[slot, way]) for way in order]

    def gone(self, now: int) -> tuple[tuple[Table, I64], ...]:
        """Slots of each table that can go at a close."""
        return (self.nodes, self.nodes.gone(now)), (self.addresses, self.addresses.gone(now))

    def digest(self) -> bytes:
        """Digest of what the running epoch saw; the tables have their own."""
        total = hashlib.sha256()
        for pending in (self._kubelets, self._pods):
            for name in _Seen.__slots__ if pending else ():
                total.update(np.concatenate([getattr(one, name) for one in pending]).tobytes())
        return total.digest()


@dataclass(frozen=True, slots=True)
class _Seen:
    """Rows of the running epoch that name a node and an address."""

    principal: U64
    node: U64
    address: U64
    text: U64
    second: U32


def _seen(batch: UseBatch, facets: Facets, rows: I64) -> _Seen:
    found = keys(batch, facets, rows)
    placed = found.placed
    rows = rows[placed]
    return _Seen(
        principal=facets.principal[rows],
        node=found.node[placed],
        address=found.address[placed],
        text=facets.value[rows, ADDRESS],
        second=(batch.time[rows] // SECOND).astype(np.uint32),
    )


def _collect(pending: list[_Seen], suspected: U64) -> _Seen:
    columns = {name: np.concatenate([getattr(one, name) for one in pending]) for name in _Seen.__slots__}
    pending.clear()
    free = ~among(columns["principal"], suspected)
    return _Seen(**{name: column[free] for name, column in columns.items()})


def _lately(marked: U32, seconds: I64) -> Bool:
    lately: Bool = (marked > 0) & (marked.astype(np.int64) + KEPT >= seconds)
    return lately
