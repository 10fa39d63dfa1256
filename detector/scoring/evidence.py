"""Evidence of a batch: one column per component, in 1/1024 nat, and what is needed to explain a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.domain import I64, Bool
from detector.state.credentials import Lifecycle

COMPONENTS: Final = ("network", "client", "concurrency", "path", "binding", "revocation", "parentage")
NETWORK, CLIENT, CONCURRENCY, PATH, BINDING, REVOCATION, PARENTAGE = range(len(COMPONENTS))
TRUST: Final = (BINDING, REVOCATION, CONCURRENCY, PARENTAGE, NETWORK, CLIENT, PATH)  # the most trusted first
SUMMED: Final = (CONCURRENCY, PATH)  # the others are running maxima within an episode


@dataclass(frozen=True, slots=True)
class SeenContext:
    """One context of a holder as of a row: lexicon keys of its texts, and its interval in seconds."""

    address: int
    client: int
    first: int
    last: int
    suspect: bool


@dataclass(slots=True)
class Evidence:
    """`quanta` is int64[n, COMPONENTS]; `contexts[row]` the holder's contexts as of a candidate row, current first."""

    quanta: I64
    lifecycle: Lifecycle
    contexts: dict[int, tuple[SeenContext, ...]]
    opened: Bool  # the row opened a context of its holder
    returns: I64  # int64[n, 2]: 1 where the row is a return to an earlier network, by whether a client is strange
    cold: Bool  # the principal has too little history to be judged alone
    baseline: I64  # seconds since the principal was first seen

    def candidates(self, minimum: int) -> I64:
        """Rows with one component of at least `minimum` quanta, in order."""
        return np.flatnonzero((self.quanta >= minimum).any(axis=1))
