"""Evidence of a batch: one column per component, in 1/1024 nat, and what is needed to explain a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.domain import I64, Bool
from detector.state.credentials import Lifecycle

COMPONENTS: Final = (
    "network", "client", "concurrency", "path", "binding", "revocation", "parentage", "workload_end", "action", "sweep",
)  # fmt: skip
(
    NETWORK, CLIENT, CONCURRENCY, PATH, BINDING, REVOCATION, PARENTAGE, WORKLOAD_END, ACTION, SWEEP,
) = range(len(COMPONENTS))  # fmt: skip
# The most trusted first.
TRUST: Final = (
    BINDING, REVOCATION, WORKLOAD_END, CONCURRENCY, PARENTAGE, NETWORK, CLIENT, SWEEP, ACTION, PATH,
)  # fmt: skip
SUMMED: Final = (CONCURRENCY, PATH)  # within an episode; ACTION adds each action once, the others are running maxima


@dataclass(frozen=True, slots=True)
class SeenContext:
    """One context of a holder as of a row: lexicon keys of its texts, and its interval in seconds."""

    address: int
    client: int
    first: int
    last: int
    suspect: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """Columns: different actions refused in the hour, 0 where the row adds none, and how many are usual, in 1/100."""

    count: I64
    usual: I64


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
    denied: Denied

    def candidates(self, minimum: int) -> I64:
        """Rows with one component of at least `minimum` quanta, in order."""
        return np.flatnonzero((self.quanta >= minimum).any(axis=1))
