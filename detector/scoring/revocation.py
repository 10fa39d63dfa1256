"""Revocation: accepted use after the credential expired or was revoked, or after its parent was.

Never a boolean (detection-methods 2.4): clocks differ, logs are shuffled and revocation takes time to spread, so the
evidence grows in steps with the time since the end. A refused use says that revocation works and is no evidence.
"""

from __future__ import annotations

import numpy as np

from detector.bundle import RevocationPriors
from detector.domain import I64, KINDS, SECOND, Outcome, UseBatch
from detector.fingerprint.facets import Facets
from detector.scoring.fixed import NAT
from detector.state.credentials import Lifecycle

_STATIC = np.array([kind.static for kind in KINDS], np.bool_)


class Revocation:
    """Scores rows against what was known of their credential as of the row."""

    def __init__(self, priors: RevocationPriors) -> None:
        self._own = steps(priors.overrun)
        self._parent = steps(priors.parent_overrun)

    def score(self, batch: UseBatch, facets: Facets, known: Lifecycle) -> tuple[I64, I64]:
        """int64[n] quanta for use after the credential's own end, and after its parent's.

        A static credential outlives whoever created it: a tool that rotates its own key withdraws the old one last.
        """
        accepted = facets.scored & ((batch.outcome == Outcome.ALLOWED) | (batch.outcome == Outcome.UNKNOWN))
        inherits = accepted & ~_STATIC[batch.kind]
        seconds = batch.time // SECOND
        never = np.iinfo(np.int64).max
        end = np.minimum(
            np.where(known.expires > 0, known.expires, never), np.where(known.revoked > 0, known.revoked, never)
        )
        parent = np.where(known.parent_revoked > 0, known.parent_revoked, never)
        return (
            np.where(accepted & (end != never), nats_after(self._own, seconds - end), 0),
            np.where(inherits & (parent != never), nats_after(self._parent, seconds - parent), 0),
        )


def steps(told: list[tuple[int, float]]) -> tuple[I64, I64]:
    """Steps of a bundle (seconds after the end, nats) as seconds and quanta, for `nats_after`."""
    after = np.array([at for at, _ in told], np.int64)
    quanta = np.array([0, *(round(nat * NAT) for _, nat in told)], np.int64)
    return after, quanta


def nats_after(told: tuple[I64, I64], overrun: I64) -> I64:
    """int64[n]: quanta for uses `overrun` seconds after the end."""
    after, quanta = told
    found: I64 = quanta[np.searchsorted(after, overrun, side="right")]
    return found
