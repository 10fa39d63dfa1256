"""Pods: which rows speak of the nodes and pods of a cluster, and their keys.

Keys stand below the account *and* the realm: a realm may join clusters, whose private addresses and names repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.domain import I64, KIND_CODE, U64, Activity, Bool, Flag, Outcome, UseBatch, hash_text
from detector.fingerprint.facets import ADDRESS, Facets
from detector.fingerprint.hashing import mix

POD_TOKEN: Final = KIND_CODE["k8s.bound-token"]
_ANSWERED: Final = np.isin(np.arange(len(Outcome)), [Outcome.ALLOWED, Outcome.UNKNOWN])
_SUSPECT: Final = int(Flag.TS_SUSPECT)
_KUBELET: Final = "system:node:"  # and the node's name: the principal of its kubelet, however it authenticates


@dataclass(frozen=True, slots=True)
class PodKeys:
    """Keys of some rows, uint64[len(rows)]; 0 means unknown. `address` is that of the ladder, within the cluster."""

    rows: I64
    node: U64
    address: U64
    pod: U64  # by its uid
    name: U64  # namespace and name, which the next pod may take over

    @property
    def placed(self) -> Bool:
        """bool[len(rows)]: the node and the address are known."""
        known: Bool = (self.node != 0) & (self.address != 0)
        return known


def keys(batch: UseBatch, facets: Facets, rows: I64) -> PodKeys:
    """The keys of `rows`."""
    hashes = batch.strings.hashes
    cluster = mix(hashes[batch.account[rows]], facets.realm[rows])
    texts = (hashes[column[rows]] for column in (batch.node, batch.session, batch.instance))
    values = np.stack([*texts, facets.value[rows, ADDRESS]])
    node, pod, name, address = np.where(values != 0, mix(values, cluster), np.uint64(0))
    return PodKeys(rows, node=node, address=address, pod=pod, name=name)


def by_pods(batch: UseBatch, facets: Facets) -> I64:
    """Rows that are scored uses of a pod's token."""
    rows = np.flatnonzero(batch.kind == POD_TOKEN)
    return rows[facets.scored[rows]]


def by_kubelets(batch: UseBatch) -> I64:
    """Accepted uses by the kubelet of the node they name."""
    rows = np.flatnonzero(batch.node)
    if not len(rows):  # most logs name no node
        return rows
    rows = rows[(batch.kind[rows] != POD_TOKEN) & (batch.activity[rows] == Activity.USE) & accepted(batch, rows)]
    texts, hashes = batch.strings.texts, batch.strings.hashes
    distinct, inverse = np.unique(batch.node[rows], return_inverse=True)
    expected = np.array([hash_text(_KUBELET + texts[code]) for code in distinct.tolist()], np.uint64)
    found: I64 = rows[hashes[batch.principal[rows]] == expected[inverse]]
    return found


def accepted(batch: UseBatch, rows: I64) -> Bool:
    """bool[len(rows)]: accepted as far as the log says, at a time that is believed."""
    believed: Bool = _ANSWERED[batch.outcome[rows]] & (batch.flags[rows] & _SUSPECT == 0)
    return believed
