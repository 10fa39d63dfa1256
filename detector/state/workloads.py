"""Workloads: which pods run, and which have ended.

A pod is known by its uid from the first use of its token, or the first token issued for it; a name (`namespace/name`)
by the two pods that had it last. An end that names the uid ends that pod. One that names only the name ends the latest
pod first seen before it: a StatefulSet deletes web-0 and starts the next web-0 within seconds, and the next one must
not be called ended.

Everything is learnt at the close of an epoch, from event times, so the order of rows does not matter, and is frozen
until the next.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from detector.domain import DAY, I64, SECOND, U32, U64, Activity, Flag, UseBatch
from detector.fingerprint.facets import Facets
from detector.fingerprint.pods import POD_TOKEN, accepted, keys
from detector.state.table import Table

_KEPT_AFTER_END: Final = 7 * DAY // SECOND  # an ended pod stays known this long, so that later use is seen
_KEPT_UNUSED: Final = 14 * DAY // SECOND
_NEVER: Final = np.uint32(0xFFFFFFFF)


class PodTable(Table):
    """Pods by key of their uid: seconds first and last seen, and of their end (0 = running, as far as is known)."""

    layout: ClassVar = {"first": (np.uint32, 0), "last": (np.uint32, 0), "ended": (np.uint32, 0)}
    first: U32
    last: U32
    ended: U32

    def see(self, pod: U64, second: U32) -> None:
        """Take in that pods were seen. Order does not matter."""
        slot, fresh = self.admit(pod)
        self.first[fresh] = _NEVER
        np.minimum.at(self.first, slot, second)
        np.maximum.at(self.last, slot, second)

    def end(self, pod: U64, second: U32) -> None:
        """Take in ends; of several, the last counts: a removal may be repeated, and the pod was there until then."""
        slot, fresh = self.admit(pod)
        self.first[fresh] = _NEVER
        np.maximum.at(self.ended, slot, second)

    def gone(self, now: int) -> I64:
        """Slots that can go at a close: ended, or unused, long ago as of `now` (seconds), the longest over limit."""
        slots = self.index.slots()
        last, ended = self.last[slots].astype(np.int64), self.ended[slots].astype(np.int64)
        past = np.where(ended > 0, ended + _KEPT_AFTER_END, last + _KEPT_UNUSED) < now
        return np.union1d(slots[past], self.evict(np.maximum(last, ended)))


class NameTable(Table):
    """Names by key: the two pods that were first seen last under each, the latest first (0 = none)."""

    layout: ClassVar = {"pod": (np.uint64, 2)}
    pod: U64

    def assign(self, name: U64, pod: U64, pods: PodTable) -> None:
        """Take in that pods have names."""
        slot, _ = self.admit(name)
        new = ~(self.pod[slot] == pod[:, None]).any(axis=1)
        touched = np.unique(slot[new])
        if not len(touched):
            return
        slot = np.concatenate([slot[new], np.repeat(touched, 2)])
        pod = np.concatenate([pod[new], self.pod[touched].ravel()])
        order = np.lexsort((pod, _first(pods, pod), slot))[::-1]  # the latest pod of each name first
        again = (slot[order][1:] == slot[order][:-1]) & (pod[order][1:] == pod[order][:-1])
        order = order[np.concatenate([[True], ~again])]
        start = np.concatenate([[True], slot[order][1:] != slot[order][:-1]])
        self.pod[touched] = 0
        self.pod[slot[order[start]], 0] = pod[order[start]]
        second = np.flatnonzero(np.concatenate([[False], start[:-1]]) & ~start)
        self.pod[slot[order[second]], 1] = pod[order[second]]

    def holder(self, name: U64, second: U32, pods: PodTable) -> U64:
        """uint64[n]: the latest pod of each name first seen before `second`; 0 = none that is known."""
        slot = self.find(name)
        held = np.where((slot >= 0)[:, None], self.pod[slot], np.uint64(0))
        first = _first(pods, held.ravel()).reshape(held.shape)
        first = np.where(first < second[:, None], first, -1)
        latest = np.take_along_axis(held, first.argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.where(first.max(axis=1, initial=-1) >= 0, latest, np.uint64(0))


def _first(pods: PodTable, pod: U64) -> I64:
    """int64[n]: second at which each pod was first seen, -1 where it is not known (any more)."""
    slot = pods.find(pod)
    return np.where(slot >= 0, pods.first[slot], np.int64(-1))


class Workloads:
    """The pods of all clusters, their names, and what the running epoch saw of them."""

    def __init__(self, limit: int) -> None:
        self.pods = PodTable(limit)
        self.names = NameTable(limit)
        self._uses: list[_Stated] = []
        self._ends: list[_Stated] = []

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables to bound and to digest."""
        return self.pods, self.names

    def note(self, batch: UseBatch, facets: Facets) -> None:
        """Keep what the close will learn from these rows: uses and issues of pod tokens, and ends."""
        lives, ends = np.flatnonzero(batch.kind == POD_TOKEN), np.flatnonzero(batch.activity == Activity.END)
        if not len(lives) and not len(ends):  # most logs are not Kubernetes'
            return
        lives = lives[(batch.session[lives] != 0) & (batch.flags[lives] & Flag.TS_SUSPECT == 0)]
        lives = lives[facets.scored[lives] | (batch.activity[lives] == Activity.ISSUE)]
        ends = ends[((batch.session[ends] != 0) | (batch.instance[ends] != 0)) & accepted(batch, ends)]
        for pending, rows in ((self._uses, lives), (self._ends, ends)):
            if len(rows):
                found = keys(batch, facets, rows)
                pending.append(_Stated(found.pod, found.name, (batch.time[rows] // SECOND).astype(np.uint32)))

    def learn(self) -> None:
        """At a close: take in what was seen. Uses first: an end counts for whoever was seen before it in time."""
        if self._uses:
            seen = _collect(self._uses)
            self.pods.see(seen.pod, seen.second)
            named = seen.name != 0
            self.names.assign(seen.name[named], seen.pod[named], self.pods)
        if self._ends:
            ends = _collect(self._ends)
            pod = np.where(ends.pod != 0, ends.pod, self.names.holder(ends.name, ends.second, self.pods))
            self.pods.end(pod[pod != 0], ends.second[pod != 0])

    def ended(self, pod: U64) -> I64:
        """int64[n]: second of the end of each pod, as of the last close; 0 = none that is known."""
        slot = self.pods.find(pod)
        return np.where(slot >= 0, self.pods.ended[slot], 0).astype(np.int64)

    def gone(self, now: int) -> tuple[tuple[Table, I64], ...]:
        """Slots of each table that can go at a close; a name goes with its pods."""
        pods = self.pods.gone(now)
        names = self.names.index.slots()
        slot = self.pods.find(self.names.pod[names].ravel())
        stays = ((slot >= 0) & ~np.isin(slot, pods)).reshape(-1, 2).any(axis=1)
        latest = _first(self.pods, self.names.pod[names, 0])
        return (self.pods, pods), (self.names, np.union1d(names[~stays], self.names.evict(latest)))

    def digest(self) -> bytes:
        """Digest of what the running epoch saw; the tables have their own."""
        total = hashlib.sha256()
        for pending in (self._uses, self._ends):
            for name in _Stated.__slots__ if pending else ():
                total.update(np.concatenate([getattr(one, name) for one in pending]).tobytes())
        return total.digest()


@dataclass(frozen=True, slots=True)
class _Stated:
    """Rows of the running epoch that speak of a pod, by uid or name."""

    pod: U64
    name: U64
    second: U32


def _collect(pending: list[_Stated]) -> _Stated:
    columns = {name: np.concatenate([getattr(one, name) for one in pending]) for name in _Stated.__slots__}
    pending.clear()
    return _Stated(**columns)
