"""Facets of a batch: keys and value ladders as 64-bit hashes, computed once for each distinct text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final, Self, TypeVar

import numpy as np

from detector.domain import I8, I32, I64, KINDS, U64, Activity, ActorClass, Bool, Flag, UseBatch
from detector.fingerprint.actions import privilege, service_of
from detector.fingerprint.clients import client_of
from detector.fingerprint.hashing import mix
from detector.fingerprint.network import prefix_of

LEVELS: Final = ("prefix", "address", "family", "client", "service", "action", "provider")
LADDERS: Final = {"network": (0, 1), "client": (2, 3), "action": (4, 5)}  # component → (upper, lower) level
# The provider stands above the prefix where enrichment knows it. The prefix does not hold it, so that what is known of
# a network outlives a change of the assets.
PREFIX, ADDRESS, FAMILY, CLIENT, SERVICE, ACTION, PROVIDER = range(7)

_NUMBERS: Final[U64] = np.arange(1, len(LEVELS) + 1, dtype=np.uint64)
_WITHIN, _ABOVE = [ADDRESS, CLIENT], [PREFIX, FAMILY]  # values that hold their parents by their keys

K = TypeVar("K")
V = TypeVar("V")

_SINGLE_HOLDER: Final = np.array([kind.single_holder for kind in KINDS], np.bool_)
_SCORED_ACTIVITY: Final = np.isin(np.arange(len(Activity)), [Activity.USE, Activity.EXCHANGE, Activity.RENEW])


@dataclass(slots=True)
class Facets:
    """Columns beside a `UseBatch`, of the same length; hashes are uint64 and 0 means unknown.

    `principal`, `credential`, `session` and `holder` are keys within the realm (a credential's key holds its
    principal, so everything that changes inside an epoch hangs under one principal). `holder` is what contexts are
    compared for: the principal session where one workload holds it, else the credential. `value[n, LEVELS]` are the
    ladder values, each holding its parents but for the provider; `privilege` is that of the action. `context` is what
    concurrency compares: prefix, client family, instance. `declared`: the principal was declared to come from there.
    """

    realm: U64
    group: U64
    principal: U64
    credential: U64
    parent: U64
    holder: U64
    value: U64
    context: U64
    instance: U64
    delivery: U64
    scored: Bool
    hour: I64
    client_code: I32  # code of the client's detail in the batch's table
    prefix_code: I32
    family_code: I32
    privilege: I8
    declared: Bool

    def take(self, index: slice) -> Self:
        """The rows of a slice."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


class Fingerprinter:
    """Turns batches into facets. Keeps bounded caches of what a text means; results never depend on them."""

    def __init__(self, cache: int = 65_536) -> None:
        self._cache = cache
        self._clients: dict[str, tuple[str, str]] = {}
        self._prefixes: dict[tuple[str, str], str] = {}
        self._actions: dict[str, tuple[str, int]] = {}

    def facets(self, batch: UseBatch) -> Facets:
        """Facets of every row of `batch`. New texts (prefixes, client families) are added to its table."""
        strings = batch.strings
        family, client = self._client_codes(batch)
        prefix = self._prefix_codes(batch)
        service, privileges = self._action_codes(batch)
        hashes = strings.hashes
        realm = hashes[batch.realm]
        principal = mix(hashes[batch.principal], realm)
        principal[batch.principal == 0] = 0
        credential = _under(principal, hashes[batch.credential])
        single = _SINGLE_HOLDER[batch.kind] & (batch.session != 0)
        holder = np.where(single, _under(principal, ~hashes[batch.session]), credential)
        instance = hashes[batch.instance]
        levels = (prefix, batch.address, family, client, service, batch.action, batch.provider)
        value = _values(hashes[np.stack(levels, axis=1)])
        return Facets(
            realm=realm,
            group=mix(hashes[batch.peer_group], realm),
            principal=principal,
            credential=credential,
            parent=hashes[batch.parent],
            holder=holder,
            value=value,
            context=mix(mix(value[:, PREFIX], value[:, FAMILY]), instance),
            instance=instance,
            delivery=hashes[batch.delivery],
            scored=_scored(batch),
            hour=batch.time // 3_600_000_000,
            client_code=client,
            prefix_code=prefix,
            family_code=family,
            privilege=privileges.astype(np.int8),
            declared=batch.flags & Flag.KNOWN_EGRESS != 0,
        )

    def _client_codes(self, batch: UseBatch) -> tuple[I32, I32]:
        strings = batch.strings

        def of(code: int) -> tuple[int, int]:
            if code == 0:
                return 0, 0
            agent = strings.texts[code]
            known = self._clients.get(agent)
            if known is None:
                parsed = client_of(agent)
                known = (parsed.family, parsed.detail)
                self._remember(self._clients, agent, known)
            return strings.code(known[0]), strings.code(known[1])

        pairs = _per_distinct(batch.client, of)
        return pairs[:, 0], pairs[:, 1]

    def _prefix_codes(self, batch: UseBatch) -> I32:
        strings = batch.strings
        both = batch.address.astype(np.int64) << 32 | batch.channel

        def of(pair: int) -> tuple[int, int]:
            key = (strings.texts[pair >> 32], strings.texts[pair & 0xFFFFFFFF])
            known = self._prefixes.get(key)
            if known is None:
                known = prefix_of(*key)
                self._remember(self._prefixes, key, known)
            return strings.code(known), 0

        return _per_distinct(both, of)[:, 0]

    def _action_codes(self, batch: UseBatch) -> tuple[I32, I32]:
        """Code of the service and the privilege of every row's action."""
        strings = batch.strings

        def of(code: int) -> tuple[int, int]:
            action = strings.texts[code]
            known = self._actions.get(action)
            if known is None:
                known = (service_of(action), privilege(action))
                self._remember(self._actions, action, known)
            return strings.code(known[0]), known[1]

        pairs = _per_distinct(batch.action, of)
        return pairs[:, 0], pairs[:, 1]

    def _remember(self, cache: dict[K, V], key: K, value: V) -> None:
        if len(cache) >= self._cache:
            cache.clear()
        cache[key] = value


def _values(texts: U64) -> U64:
    """uint64[n, LEVELS]: the ladder values of the hashes of their texts. An action's text begins with its service."""
    value = mix(texts, _NUMBERS)
    value[:, _WITHIN] = mix(value[:, _WITHIN], texts[:, _ABOVE])
    value[texts == 0] = 0
    return value


def _under(principal: U64, hashes: U64) -> U64:
    return np.where((hashes != 0) & (principal != 0), mix(hashes, principal), np.uint64(0))


def _per_distinct(codes: I32 | I64, of: Callable[[int], tuple[int, int]]) -> I32:
    """int32[n, 2]: `of` applied once to each distinct code."""
    distinct, inverse = np.unique(codes, return_inverse=True)
    if not len(distinct):
        return np.zeros((0, 2), np.int32)
    return np.array([of(code) for code in distinct.tolist()], np.int32)[inverse]


def _scored(batch: UseBatch) -> Bool:
    quiet = batch.flags & (Flag.ON_BEHALF | Flag.TS_SUSPECT)
    scored: Bool = (
        _SCORED_ACTIVITY[batch.activity]
        & (batch.actor_class != ActorClass.HUMAN)
        & (quiet == 0)
        & (batch.principal != 0)
        & (batch.credential != 0)
    )
    return scored
