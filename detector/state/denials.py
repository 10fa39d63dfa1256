"""Denials: how many different actions were refused to a principal in an hour, and how many are usual for it.

Different actions are counted, not refusals: a broken job that retries for a day was refused one thing. An action that
the principal is known to use is not counted either: its token has expired, or a right was withdrawn; it probes nothing.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I64, U32, U64, Bool, Outcome, UseBatch
from detector.fingerprint.facets import ACTION, Facets
from detector.fingerprint.hashing import mix
from detector.scoring.fixed import CELL, decayed
from detector.state.principals import PrincipalTable
from detector.state.table import Table

_WINDOW: Final = 65_536


class Denials:
    """Refused actions by principal and hour of event time, in two windows that turn at closes. Advances row by row."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._window = window
        self._now: set[int] = set()
        self._before: set[int] = set()
        self._count: dict[int, int] = {}  # (principal, hour) → different actions
        self._count_before: dict[int, int] = {}

    def advance(self, batch: UseBatch, facets: Facets, slot: I64, profiles: PrincipalTable) -> I64:
        """int64[n]: different actions refused to the principal in the row's hour, up to and with the row.

        0 where the row adds none: it is not scored, was not refused, repeats one, or its action is known. `slot` is the
        profile of each row.
        """
        found = np.zeros(len(batch), np.int64)
        rows = np.flatnonzero((batch.outcome == Outcome.DENIED) & facets.scored & (batch.action != 0))
        if not len(rows):
            return found
        hour, action = facets.hour[rows], facets.value[rows, ACTION]
        used, _ = profiles.seen(slot[rows], ACTION, action, hour)
        rows, hour, action = rows[used == 0], hour[used == 0], action[used == 0]
        owner = mix(facets.principal[rows], hour.astype(np.uint64))
        for at, key, who in zip(rows.tolist(), mix(owner, action).tolist(), owner.tolist(), strict=True):
            if key not in self._now and key not in self._before:
                self._now.add(key)
                known = self._count.get(who) or self._count_before.get(who, 0)
                found[at] = self._count[who] = known + 1
        return found

    def turn(self) -> None:
        """At a close: start a new window when the current one is full."""
        if len(self._now) >= self._window:
            self._before, self._now = self._now, set()
            self._count_before, self._count = self._count, {}

    def digest(self) -> bytes:
        """Digest of both windows."""
        total = hashlib.sha256()
        for window in (self._now, self._before):
            total.update(np.sort(np.fromiter(window, np.uint64, len(window))).tobytes())
        for counts in (self._count, self._count_before):
            total.update(np.array(sorted(counts.items()), np.uint64).tobytes())
        return total.digest()


class DenialTable(Table):
    """Hours in use and different actions refused, by key of a principal or peer group; both halve in 14 days.

    The hours of a peer group are those of its principals together. Frozen within an epoch; `learn` is called at its
    close.
    """

    layout: ClassVar = {
        "active": (np.uint64, 0),  # hours, in 1/64
        "refused": (np.uint64, 0),  # different actions of an hour, in 1/64
        "hour": (np.uint32, 0),  # the latest one
    }
    active: U64
    refused: U64
    hour: U32

    def learn(self, principal: U64, group: U64, hour: I64, refused: Bool) -> None:
        """Take in rows. `refused` marks those that were refused an action not refused before in their hour."""
        who, first, inverse = np.unique(principal, return_index=True, return_inverse=True)
        slot = self.find(who)
        then = np.where(slot >= 0, self.hour[slot], 0).astype(np.int64)
        _, once = np.unique(mix(principal, hour.astype(np.uint64)), return_index=True)
        new = once[hour[once] > then[inverse[once]]]
        hours = np.bincount(inverse[new], minlength=len(who))
        actions = np.bincount(inverse[refused], minlength=len(who))
        latest = then.copy()
        np.maximum.at(latest, inverse, hour)
        self._add(who, hours, actions, latest)
        groups, of = np.unique(group[first], return_inverse=True)
        together = np.zeros((3, len(groups)), np.int64)
        np.add.at(together[0], of, hours)
        np.add.at(together[1], of, actions)
        np.maximum.at(together[2], of, latest)
        self._add(groups, *together)

    def _add(self, keys: U64, hours: I64, actions: I64, latest: I64) -> None:
        slot, _ = self.admit(keys)
        then = self.hour[slot].astype(np.int64)
        now = np.maximum(then, latest)
        self.active[slot] = decayed(self.active[slot].astype(np.int64), then, now) + hours * CELL
        self.refused[slot] = decayed(self.refused[slot].astype(np.int64), then, now) + actions * CELL
        self.hour[slot] = now

    def rate(self, keys: U64, prior: NDArray[np.float64], weight: int) -> NDArray[np.float64]:
        """Different actions refused in an hour of use: (refused + weight·prior) / (hours + weight), float64[n]."""
        slot = self.find(keys)
        known = slot >= 0
        active = np.where(known, self.active[slot], 0).astype(np.float64) / CELL
        refused = np.where(known, self.refused[slot], 0).astype(np.float64) / CELL
        return (refused + weight * prior) / (active + weight)

    def forget(self) -> I64:
        """Slots to give up at a close: the longest unused first."""
        if not self.is_full:
            return np.zeros(0, np.int64)
        return self.evict(self.hour[self.index.slots()])
