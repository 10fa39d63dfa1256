"""Binding: a use that contradicts what its credential is bound to.

EC2 instance sessions: a new context contradicts the session when its address is none of the session's, no context of
the session has its client family and delivery version, and the address serves no other session of the realm. Endpoint
and public path of one client therefore stay quiet, and so does an address change of one client. Where the principal
or its peers run that client or use that network (an agent beside the workload, a shared gateway), the contradiction
supports and does not accuse.

Pod tokens: a use contradicts the token when its address is none of the pod's node, and
(a) is at that time the address of one other node. This accuses whoever uses it there: an address is a fact, no habit.
    The pod must have been seen elsewhere before, or the other node be seen there after the pod was: an address that a
    new pod was given may have been a node's until shortly before, and until then only supports; or
(b) is no node's, while the pod has been seen at its own node's address: its traffic leaves by the node, so its own
    address is not what the API server sees. As for instances it accuses where the context is strange.
Where pods show their own addresses, nodes share theirs (NAT), or the node is not known yet, nothing contradicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.bundle import StrangePriors
from detector.domain import I8, I64, KIND_CODE, SECOND, U32, U64, Bool, UseBatch
from detector.fingerprint.facets import ADDRESS, FAMILY, PREFIX, Facets
from detector.fingerprint.pods import by_pods, keys
from detector.scoring.fixed import CELL
from detector.state.contexts import SLOTS
from detector.state.nodes import ADDRESSES
from detector.state.peers import UNIT, members_key, origin_key
from detector.state.shard import Shard

WAYS: Final = np.arange(SLOTS)
_INSTANCE: Final = KIND_CODE["aws.session/instance"]


def contradicts(kind: I8, facets: Facets, rows: I64, slot: I64, shard: Shard) -> Bool:
    """bool[len(rows)]: rows that open a context at holder `slot` and contradict its binding."""
    address = facets.value[rows, ADDRESS]
    instance: Bool = (kind[rows] == _INSTANCE) & (address != 0)
    if not instance.any():
        return instance
    contexts = shard.contexts
    trusted = _trusted(slot, shard)
    same_address = trusted & (contexts.address[slot] == address[:, None])
    same_client = (
        trusted
        & (contexts.family[slot] == low(facets.value[rows, FAMILY])[:, None])
        & (contexts.delivery[slot] == low(facets.delivery[rows])[:, None])
    )
    clash: Bool = instance & trusted.any(axis=1) & ~same_address.any(axis=1) & ~same_client.any(axis=1)
    return _unserved(clash, facets, rows, shard)


def strange(facets: Facets, rows: I64, priors: StrangePriors, shard: Shard) -> Bool:
    """bool[len(rows)]: neither the principal nor its peers run the row's client family, nor use its network.

    Nothing is strange while too little is known of the principal, nor where it was declared to come from. Networks are
    compared by prefix, though the provider be known: a thief may rent in the owner's cloud.
    """
    slot = shard.principals.find(facets.principal[rows])
    history, _ = shard.principals.total(np.maximum(slot, 0), 0, facets.hour[rows])
    found: Bool = (slot >= 0) & (history >= priors.after_hour_cells * CELL) & ~facets.declared[rows]
    judged = np.flatnonzero(found)
    if not len(judged):
        return found
    level = np.repeat((FAMILY, PREFIX), len(judged))
    row, slot = np.tile(rows[judged], 2), np.tile(slot[judged], 2)
    value = facets.value[row, level]
    own, _ = shard.principals.seen(slot, level, value, facets.hour[row])
    peers = shard.peers.estimate(members_key(facets.group[row], value))
    unknown = (own < priors.below_hour_cells * CELL) & (peers < priors.below_peers * UNIT) & (value != 0)
    found[judged] = unknown.reshape(2, -1).all(axis=0)
    return found


@dataclass(frozen=True, slots=True)
class PodPlaces:
    """Where the rows of a batch stand that are uses of pod tokens, by the nodes known at the last close."""

    pod: Bool
    other: Bool  # from the address of one other node
    free: Bool  # from an address that is no node's, while its own node's are known
    seen: I64  # seconds: when the other node was last seen there
    held: U64  # uint64[n, ADDRESSES]: what the pod's node is known by, as contexts keep addresses; 0 = nothing


def pod_places(batch: UseBatch, facets: Facets, shard: Shard) -> PodPlaces | None:
    """Where pods stand; None while no pod or no node is known: most logs are not Kubernetes'."""
    rows = by_pods(batch, facets) if len(shard.nodes.nodes) else None
    if rows is None or not len(rows):
        return None
    found = shard.nodes.standing(keys(batch, facets, rows), batch.time[rows] // SECOND, shard.peers)
    n = len(batch)
    places = PodPlaces(
        pod=np.zeros(n, np.bool_),
        other=np.zeros(n, np.bool_),
        free=np.zeros(n, np.bool_),
        seen=np.zeros(n, np.int64),
        held=np.zeros((n, ADDRESSES), np.uint64),
    )
    places.pod[rows], places.other[rows], places.free[rows] = True, found.other != 0, found.free
    places.seen[rows], places.held[rows] = found.seen, found.held
    return places


def leaves_node(places: PodPlaces, facets: Facets, rows: I64, slot: I64, shard: Shard) -> Bool:
    """bool[len(rows)]: pods whose traffic left by their node come from an address that is no node's.

    An address that serves other holders of the realm is a proxy's or a gateway's.
    """
    free: Bool = places.free[rows]
    if not free.any():
        return free
    at_node = shard.contexts.address[slot][:, :, None] == places.held[rows][:, None, :]
    by_node = (at_node.any(axis=2) & _trusted(slot, shard)).any(axis=1)
    return _unserved(free & by_node, facets, rows, shard)


def _unserved(suspects: Bool, facets: Facets, rows: I64, shard: Shard) -> Bool:
    """Those of the suspects among `rows` whose address serves no other holder of the realm."""
    at = np.flatnonzero(suspects)
    if len(at):
        origin = origin_key(facets.realm[rows[at]], facets.value[rows[at], ADDRESS])
        suspects[at] = shard.peers.estimate(origin) == 0
    return suspects


def moved(facets: Facets, rows: I64, slot: I64, shard: Shard) -> Bool:
    """bool[len(rows)]: the holder was seen at another address before."""
    elsewhere = shard.contexts.address[slot] != facets.value[rows, ADDRESS][:, None]
    found: Bool = (elsewhere & _trusted(slot, shard)).any(axis=1)
    return found


def _trusted(slot: I64, shard: Shard) -> Bool:
    """bool[len(slot), SLOTS]: contexts of holders that contradict nothing."""
    bits = shard.contexts.suspect[slot][:, None] >> WAYS.astype(np.uint8)
    trusted: Bool = (shard.contexts.filled[slot][:, None] > WAYS) & (bits & 1 == 0)
    return trusted


def low(hashes: U64) -> U32:
    """Low halves of hashes, as `ContextTable` keeps them."""
    return (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
