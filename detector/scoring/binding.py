"""Binding: a use that contradicts what its credential is bound to.

EC2 instance sessions: a new context contradicts the session when its address is none of the session's, no context of
the session has its client family and delivery version, and the address serves no other session of the realm. Endpoint
and public path of one client therefore stay quiet, and so does an address change of one client. Where the principal
or its peers run that client or use that network (an agent beside the workload, a shared gateway), the contradiction
supports and does not accuse.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from detector.bundle import StrangePriors
from detector.domain import I8, I64, KIND_CODE, U32, U64, Bool
from detector.fingerprint.facets import ADDRESS, FAMILY, PREFIX, Facets
from detector.scoring.fixed import CELL
from detector.state.contexts import SLOTS
from detector.state.peers import UNIT, members_key, origin_key
from detector.state.shard import Shard

WAYS: Final = np.arange(SLOTS)
_INSTANCE: Final = KIND_CODE["aws.session/instance"]


def contradicts(kind: I8, facets: Facets, rows: I64, slot: I64, shard: Shard) -> Bool:
    """bool[len(rows)]: rows that open a context at holder `slot` and contradict its binding."""
    contexts = shard.contexts
    bits = contexts.suspect[slot][:, None] >> WAYS.astype(np.uint8)
    trusted = (contexts.filled[slot][:, None] > WAYS) & (bits & 1 == 0)
    address = facets.value[rows, ADDRESS]
    same_address = trusted & (contexts.address[slot] == address[:, None])
    same_client = (
        trusted
        & (contexts.family[slot] == low(facets.value[rows, FAMILY])[:, None])
        & (contexts.delivery[slot] == low(facets.delivery[rows])[:, None])
    )
    served = shard.peers.estimate(origin_key(facets.realm[rows], address)) > 0
    bound = (kind[rows] == _INSTANCE) & trusted.any(axis=1) & (address != 0)
    clash: Bool = bound & ~same_address.any(axis=1) & ~same_client.any(axis=1) & ~served
    return clash


def strange(facets: Facets, rows: I64, priors: StrangePriors, shard: Shard) -> Bool:
    """bool[len(rows)]: neither the principal nor its peers run the row's client family, nor use its network."""
    slot = shard.principals.find(facets.principal[rows])
    unknown: Bool = np.ones(len(rows), np.bool_)
    for level in (FAMILY, PREFIX):
        value = facets.value[rows, level]
        own, _ = shard.principals.seen(slot, value, facets.hour[rows])
        peers = shard.peers.estimate(members_key(facets.group[rows], value))
        unknown &= (own < priors.below_hour_cells * CELL) & (peers < priors.below_peers * UNIT) & (value != 0)
    return unknown


def low(hashes: U64) -> U32:
    """Low halves of hashes, as `ContextTable` keeps them."""
    return (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
