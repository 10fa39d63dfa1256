"""Routing: which partition of `uses` a row belongs to. Everything that is compared must meet in one partition.

The key is the realm. Realms that share lineage (an account and its clusters) are merged: routed like the first of
them. A realm too large for one core is split by principal; what lives with the realm (its peers, node addresses, waves
across principals) is then learnt in each part alone, and what names no principal stays in the first part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from detector.domain import I64, U64, UseBatch, hash_text
from detector.errors import ConfigError
from detector.fingerprint.hashing import mix


class Router:
    """Rows → partitions, for `partitions` of them.

    `merge`: groups of realms, each routed like its first; `split`: realm → parts. Raises ConfigError when a realm is
    named twice.
    """

    def __init__(
        self, partitions: int, merge: Sequence[Sequence[str]] = (), split: Mapping[str, int] | None = None
    ) -> None:
        self._partitions = np.uint64(partitions)
        self._home = {hash_text(realm): hash_text(group[0]) for group in merge for realm in group[1:]}
        self._parts = {hash_text(realm): parts for realm, parts in (split or {}).items()}
        named = [realm for group in merge for realm in dict.fromkeys(group)]
        twice = sorted({realm for realm in named if named.count(realm) > 1} | set(named).intersection(split or {}))
        if twice:
            raise ConfigError(
                f"realms: expected each realm in one group of `merge` or in `split`, found {', '.join(twice)} twice"
            )

    def partitions(self, batch: UseBatch) -> I64:
        """int64[n]: the partition of each row."""
        realms, inverse = np.unique(batch.realm, return_inverse=True)
        said = batch.strings.hashes[realms].tolist()
        home = np.array([self._home.get(realm, realm) for realm in said], np.uint64)
        key = home[inverse]
        for at in (at for at, realm in enumerate(said) if realm in self._parts):
            self._split(key, batch, np.flatnonzero((inverse == at) & (batch.principal != 0)), self._parts[said[at]])
        return (key % self._partitions).astype(np.int64)

    def _split(self, key: U64, batch: UseBatch, rows: I64, parts: int) -> None:
        """Give rows that name a principal the key of their part of a large realm; the first part keeps the realm's."""
        part = batch.strings.hashes[batch.principal[rows]] % np.uint64(parts)
        key[rows] = np.where(part != 0, mix(key[rows], part), key[rows])
