"""The oracle's nodes and pods: plain dictionaries, one row and one interval at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detector.domain import DAY, HOUR, KINDS, SECOND, Activity, Flag, Outcome, UseBatch
from detector.fingerprint.facets import Facets
from detector.fingerprint.hashing import mix
from detector.state.shard import Shard

KEPT = 3 * DAY // SECOND


def join(left: int, right: int) -> int:
    return int(mix(np.array([left], np.uint64), np.array([right], np.uint64))[0])


def is_accepted(use: UseBatch) -> bool:
    return int(use.outcome[0]) in (Outcome.ALLOWED, Outcome.UNKNOWN) and not int(use.flags[0]) & Flag.TS_SUSPECT


def is_pod(use: UseBatch) -> bool:
    return KINDS[int(use.kind[0])].label == "k8s.bound-token"


@dataclass
class Claim:
    address: int = 0
    text: int = 0
    first: int = 0
    last: int = 0


@dataclass
class Node:
    claims: list[Claim] = field(default_factory=lambda: [Claim() for _ in range(4)])
    shared: int = 0

    def claim(self, address: int, text: int, first: int, last: int) -> None:
        for one in self.claims:
            if one.last and one.address == address:
                one.first = min(one.first, first) if first <= one.last + KEPT else first
                one.last = max(one.last, last)
                return
        oldest = min(self.claims, key=lambda one: one.last)
        if last > oldest.last:
            self.claims[self.claims.index(oldest)] = Claim(address, text, first, last)

    def live(self, seconds: int) -> list[Claim]:
        return [one for one in self.claims if one.last and one.last + KEPT >= seconds]


@dataclass
class Address:
    node: int
    first: int
    last: int
    shared: int = 0


@dataclass
class Pod:
    first: int = 0xFFFFFFFF
    last: int = 0
    ended: int = 0


@dataclass
class Standing:
    """Where a row of a pod stands."""

    known: bool = False  # at the address of another node, or at no node's
    other: int = 0
    seen: int = 0
    held: list[int] = field(default_factory=list)  # of the pod's node


class Pods:
    """Nodes and pods of all clusters. `estimate` and `add` are the oracle's sketches."""

    def __init__(self, estimate: Callable[[int], int], add: Callable[[int, int], None]) -> None:
        self.estimate, self.add = estimate, add
        self.nodes: dict[int, Node] = {}
        self.addresses: dict[int, Address] = {}
        self.pods: dict[int, Pod] = {}
        self.names: dict[int, list[int]] = {}
        self.kubelet_rows: list[tuple[int, int, int, int, int]] = []
        self.pod_rows: list[tuple[int, int, int, int]] = []
        self.lives: list[tuple[int, int, int]] = []
        self.ends: list[tuple[int, int, int]] = []

    def keys(self, use: UseBatch, facets: Facets) -> dict[str, int]:
        hashes = use.strings.hashes
        cluster = join(int(hashes[use.account[0]]), int(facets.realm[0]))
        plain = {
            "node": int(hashes[use.node[0]]),
            "address": int(facets.value[0, 1]),
            "pod": int(hashes[use.session[0]]),
            "name": int(hashes[use.instance[0]]),
        }
        return {name: join(value, cluster) if value else 0 for name, value in plain.items()}

    def note(self, use: UseBatch, facets: Facets) -> int:
        """Keep what the close will learn from a row; the key of the node where its kubelet speaks, else 0."""
        found, second = self.keys(use, facets), int(use.time[0]) // SECOND
        principal, activity = int(facets.principal[0]), int(use.activity[0])
        kubelet = (
            not is_pod(use)
            and activity == Activity.USE
            and is_accepted(use)
            and bool(use.text("node", 0))
            and use.text("principal", 0) == f"system:node:{use.text('node', 0)}"
        )
        scored = bool(facets.scored[0])
        if kubelet and found["address"]:
            text = int(facets.value[0, 1])
            self.kubelet_rows.append((principal, found["node"], found["address"], text, second))
        if is_pod(use) and scored and is_accepted(use) and found["node"] and found["address"]:
            self.pod_rows.append((principal, found["node"], found["address"], second))
        believed = not int(use.flags[0]) & Flag.TS_SUSPECT
        if is_pod(use) and found["pod"] and believed and (scored or activity == Activity.ISSUE):
            self.lives.append((found["pod"], found["name"], second))
        if activity == Activity.END and (found["pod"] or found["name"]) and is_accepted(use):
            self.ends.append((found["pod"], found["name"], second))
        return found["node"] if kubelet else 0

    def standing(self, use: UseBatch, facets: Facets) -> Standing:
        found, second = self.keys(use, facets), int(use.time[0]) // SECOND
        node, at = self.nodes.get(found["node"]), self.addresses.get(found["address"])
        if not is_pod(use) or node is None or not found["address"] or not found["node"]:
            return Standing()
        live = node.live(second)
        if not live or (node.shared and node.shared + KEPT >= second):
            return Standing()
        held = [one.text for one in live]
        if any(one.address == found["address"] for one in live):
            return Standing(held=held)
        if at is None or at.node == found["node"]:
            return Standing(known=True, held=held)
        if (at.shared and at.shared + KEPT >= second) or self.estimate(join(found["address"], 8)) >= 3 * 64:
            return Standing(held=held)
        there = at.first <= second <= at.last + HOUR // SECOND
        return Standing(known=True, other=at.node if there else 0, seen=at.last, held=held)

    def ended(self, use: UseBatch, facets: Facets) -> int:
        pod = self.pods.get(self.keys(use, facets)["pod"])
        return pod.ended if pod else 0

    def texts(self, node: int) -> list[int]:
        claims = self.nodes[node].claims if node in self.nodes else []
        return [one.text for one in sorted(claims, key=lambda one: -one.last) if one.last]

    # --- the close of an epoch ---------------------------------------------------------------------------------------

    def close(self, suspected: set[int]) -> None:
        intervals: dict[tuple[int, int], Claim] = {}
        for principal, node, address, text, second in self.kubelet_rows:
            if principal not in suspected:
                one = intervals.setdefault((node, address), Claim(address, text, second, second))
                one.first, one.last = min(one.first, second), max(one.last, second)
        by_node = defaultdict(list)
        for (node, _), one in intervals.items():
            by_node[node].append(one)
        for node, claims in by_node.items():
            for one in sorted(claims, key=lambda one: (-one.last, one.address))[:4]:
                self.nodes.setdefault(node, Node()).claim(one.address, one.text, one.first, one.last)
        held = {
            (node, one.address): one
            for node in by_node
            for one in self.nodes[node].claims
            if one.last and (node, one.address) in intervals
        }
        self.settle(held)
        for principal, node, address, second in self.pod_rows:
            at = self.addresses.get(address)
            guest = principal not in suspected and at is not None and at.node != node
            if guest and at is not None and at.first <= second <= at.last + HOUR // SECOND:
                self.add(join(address, 8), node)
        self.kubelet_rows.clear()
        self.pod_rows.clear()
        self.workloads()

    def settle(self, held: dict[tuple[int, int], Claim]) -> None:
        for address in {address for _, address in held}:
            there = [(one.first, one.last, node) for (node, at), one in held.items() if at == address]
            before = self.addresses.get(address)
            if before is not None and all(node != before.node for _, _, node in there):
                there.append((before.first, before.last, before.node))
            shared = before.shared if before is not None else 0
            for a in there:
                for b in there:
                    if a[2] != b[2] and max(a[0], b[0]) <= min(a[1], b[1]):
                        shared = max(shared, min(a[1], b[1]))
            first, last, node = max(there, key=lambda one: (one[1], one[2]))
            self.addresses[address] = Address(node, first, last, shared)
        for node, address in held:
            self.nodes[node].shared = max(self.nodes[node].shared, self.addresses[address].shared)

    def workloads(self) -> None:
        for key, _, second in self.lives:
            pod = self.pods.setdefault(key, Pod())
            pod.first, pod.last = min(pod.first, second), max(pod.last, second)
        new = {(name, key) for key, name, _ in self.lives if name and key not in self.names.get(name, [])}
        for name in {name for name, _ in new}:
            known = {*self.names.get(name, []), *(key for which, key in new if which == name)} - {0}
            latest = sorted(known, key=lambda key: (self.first(key), key), reverse=True)[:2]
            self.names[name] = latest + [0] * (2 - len(latest))
        for key, name, second in self.ends:
            before = [one for one in self.names.get(name, []) if -1 < self.first(one) < second]
            ending = key or max(before, key=self.first, default=0)
            if ending:
                pod = self.pods.setdefault(ending, Pod())
                pod.ended = max(pod.ended, second)
        self.lives.clear()
        self.ends.clear()

    def first(self, key: int) -> int:
        return self.pods[key].first if key in self.pods else -1

    def forget(self, now: int) -> None:
        self.nodes = {
            key: one for key, one in self.nodes.items() if max(claim.last for claim in one.claims) + KEPT >= now
        }
        self.addresses = {key: one for key, one in self.addresses.items() if one.last + KEPT >= now}
        day = DAY // SECOND
        self.pods = {
            key: one
            for key, one in self.pods.items()
            if (one.ended + 7 * day if one.ended else one.last + 14 * day) >= now
        }
        self.names = {key: one for key, one in self.names.items() if any(pod in self.pods for pod in one)}

    # --- comparison --------------------------------------------------------------------------------------------------

    def content(self) -> dict[str, Any]:
        return {
            "nodes": {
                key: (one.shared, [(c.address, c.text, c.first, c.last) for c in one.claims])
                for key, one in self.nodes.items()
            },
            "addresses": {key: (a.node, a.first, a.last, a.shared) for key, a in self.addresses.items()},
            "pods": {key: (one.first, one.last, one.ended) for key, one in self.pods.items()},
            "names": self.names,
        }


def pods_content(shard: Shard) -> dict[str, Any]:
    """The detector's nodes and pods in the form of `Pods.content`."""

    def keyed(table: Any) -> list[tuple[int, int]]:
        return [(int(table.index.keys[slot]), slot) for slot in table.index.slots().tolist()]

    def columns(table: Any, slot: int, *names: str) -> tuple[int, ...]:
        return tuple(int(table.column(name)[slot]) for name in names)

    n, a, p, m = shard.nodes.nodes, shard.nodes.addresses, shard.workloads.pods, shard.workloads.names
    return {
        "nodes": {
            key: (
                int(n.shared[slot]),
                list(zip(*(n.column(c)[slot].tolist() for c in ("address", "text", "first", "last")), strict=True)),
            )
            for key, slot in keyed(n)
        },
        "addresses": {key: columns(a, slot, "node", "first", "last", "shared") for key, slot in keyed(a)},
        "pods": {key: columns(p, slot, "first", "last", "ended") for key, slot in keyed(p)},
        "names": {key: m.pod[slot].tolist() for key, slot in keyed(m)},
    }
