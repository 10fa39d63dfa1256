"""PrincipalTable: what is normal for each principal, in 1 KiB a principal.

A *cell* counts the hours in which a value was used: a tag of its value, how many child values it has, its count in
1/64 hour cells as of the last hour it was used, and that hour. Hours, not uses, are counted: ten thousand uses from
one pod are one piece of evidence (detection-methods 2.1). Cells stand in sets of 8; a full set gives up its faintest
cell. A profile has two parts with sets of their own, places and actions, so that a principal whose addresses always
change forgets none of its rare actions. Each ladder has a root, the sum of its upper level, and so have providers.

Tables are frozen within an epoch. `learn` is called at its close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from detector.domain import I64, U16, U32, U64, Bool
from detector.fingerprint.facets import ACTION, ADDRESS, CLIENT, FAMILY, LADDERS, LEVELS, PREFIX, PROVIDER, SERVICE
from detector.scoring.fixed import CELL, decayed, elapsed_hours
from detector.state.rounds import rounds
from detector.state.table import Table

WAYS: Final = 8
PARENT_OF: Final = {lower: upper for upper, lower in LADDERS.values()} | {PREFIX: PROVIDER}
# A prefix has a parent where its provider is known, and always a root: it is judged with and without.
ROOT_OF: Final = {upper: at for at, (upper, _) in enumerate(LADDERS.values())} | {PROVIDER: len(LADDERS)}
HOME_OF: Final = {PREFIX: 0, CLIENT: 1, ACTION: 2, PROVIDER: 3}  # what explanations say was expected
_MOST: Final = 0xFFFF
_MOST_CHILDREN: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a profile: the levels it holds, its first set and how many sets it has."""

    levels: tuple[int, ...]
    first: int
    sets: int


PLACES: Final = Part((PREFIX, ADDRESS, FAMILY, CLIENT, PROVIDER), 0, 10)
ACTIONS: Final = Part((SERVICE, ACTION), 10, 4)
PARTS: Final = (PLACES, ACTIONS)
SETS: Final = sum(part.sets for part in PARTS)
_PART_OF: Final = [next(part for part in PARTS if level in part.levels) for level in range(len(LEVELS))]
_SETS_OF: Final[U64] = np.array([part.sets for part in _PART_OF], np.uint64)
_FIRST_OF: Final[I64] = np.array([part.first for part in _PART_OF])
_PART_NUMBER: Final[I64] = np.array([PARTS.index(part) for part in _PART_OF])
_ROOT: Final[I64] = np.array([ROOT_OF.get(level, -1) for level in range(len(LEVELS))])
_HOME: Final[I64] = np.array([HOME_OF.get(level, -1) for level in range(len(LEVELS))])
_TURN: Final[I64] = (np.arange(len(LEVELS)) + 1) % len(LEVELS)  # a provider is learnt before the prefixes under it


@dataclass(slots=True)
class Lessons:
    """What an epoch taught: `value` at `level` was used by the principal at `slot` in `hour`. Canonically ordered.

    `parent` is the value above it, 0 where there is none.
    """

    slot: I64
    level: I64
    value: U64
    parent: U64
    hour: I64

    def take(self, index: I64) -> Lessons:
        """The lessons at positions, in that order."""
        return Lessons(*(getattr(self, name)[index] for name in self.__slots__))

    def canonical(self, principal: U64) -> Lessons:
        """Each lesson once, ordered by principal key, level, value, hour and parent."""
        keys = (self.parent, self.hour, self.value, _TURN[self.level], principal)
        order = np.lexsort(keys)
        again = np.ones(max(len(order) - 1, 0), np.bool_)
        for key in keys:
            again &= key[order][1:] == key[order][:-1]
        return self.take(order[np.concatenate([[True], ~again])[: len(order)]])


class PrincipalTable(Table):
    """Profiles of principals."""

    layout: ClassVar = {
        "tag": (np.uint32, SETS * WAYS),  # 24 bits of the value, then 8 bits: children
        "count": (np.uint16, SETS * WAYS),
        "hour": (np.uint16, SETS * WAYS),
        "root_count": (np.uint32, len(ROOT_OF)),
        "root_hour": (np.uint16, len(ROOT_OF)),
        "root_children": (np.uint16, len(ROOT_OF)),
        "home": (np.uint64, len(HOME_OF)),  # the value most hours were spent in (Boyer and Moore's majority vote)
        "home_weight": (np.uint16, len(HOME_OF)),
        "first": (np.uint32, 0),  # seconds
        "last": (np.uint32, 0),
        "group": (np.uint64, 0),  # fixed at first sight
    }
    tag: U32
    count: U16
    hour: U16
    root_count: U32
    root_hour: U16
    root_children: U16
    home: U64
    home_weight: U16
    first: U32
    last: U32
    group: U64

    def forget(self) -> I64:
        """Slots to give up at a close: the longest unused first."""
        if not self.is_full:
            return np.zeros(0, np.int64)
        return self.evict(self.last[self.index.slots()])

    def seen(self, slot: I64, level: int, value: U64, hour: I64) -> tuple[I64, I64]:
        """Hour cells (1/64) and number of children of `value` for principals at `slot`, as of `hour`."""
        at, known = self._locate(slot, level, value)
        count = self._count(slot, at, hour)
        children = (self.tag[slot, at] & np.uint32(_MOST_CHILDREN)).astype(np.int64)
        return np.where(known, count, 0), np.where(known, children, 0)

    def total(self, slot: I64, root: int | I64, hour: I64) -> tuple[I64, I64]:
        """Hour cells (1/64) and number of values below a root: `ROOT_OF` a level."""
        count = self.root_count[slot, root].astype(np.int64)
        return (
            decayed(count, self.root_hour[slot, root].astype(np.int64), hour),
            self.root_children[slot, root].astype(np.int64),
        )

    def stale(self, slot: I64, level: int, value: U64, hour: I64) -> tuple[Bool, Bool]:
        """Whether `hour` is a new hour cell of the value, and whether the value was not used on that day before."""
        at, known = self._locate(slot, level, value)
        then = self.hour[slot, at].astype(np.int64)
        new_hour = ~known | (elapsed_hours(hour, then) > 0)
        # The epoch (1970-01-01T00) is a midnight and 2**16 hours are no whole number of days: compare real days.
        days = (hour - elapsed_hours(hour, then)) // 24 != hour // 24
        return new_hour, ~known | (new_hour & days)

    def learn(self, lessons: Lessons) -> None:
        """Add hour cells, in the order given; the lessons of each part of a principal one after the other."""
        for at in rounds(lessons.slot * len(PARTS) + _PART_NUMBER[lessons.level]):
            self._learn(lessons.take(at))

    def _learn(self, lesson: Lessons) -> None:
        """One lesson for each of several parts of principals. Parts share no column."""
        slot, hour = lesson.slot, lesson.hour
        at, known = self._locate(slot, lesson.level, lesson.value)
        at[~known] = self._faintest(slot[~known], lesson.level[~known], lesson.value[~known], hour[~known])
        before = self._count(slot, at, hour)
        tag = _place(lesson.level, lesson.value)[1]
        later = ~known | (elapsed_hours(hour, self.hour[slot, at].astype(np.int64)) > 0)
        slot, at, known, tag, before = slot[later], at[later], known[later], tag[later], before[later]
        self.count[slot, at] = np.minimum(np.where(known, before, 0) + CELL, _MOST)
        self.hour[slot, at] = hour[later] & 0xFFFF
        self.tag[slot[~known], at[~known]] = tag[~known] << np.uint32(8)
        self._learn_above(lesson, later, known)
        self._learn_home(slot, lesson.level[later], lesson.value[later])

    def _learn_above(self, lesson: Lessons, later: Bool, known: Bool) -> None:
        """Roots count the hour cells of their values; roots and parents count new children."""
        slot, level, hour = lesson.slot[later], lesson.level[later], lesson.hour[later]
        upper = _ROOT[level] >= 0
        if upper.any():
            s, root, now = slot[upper], _ROOT[level[upper]], hour[upper]
            total, children = self.total(s, root, now)
            older = elapsed_hours(now, self.root_hour[s, root].astype(np.int64)) < 0
            self.root_hour[s, root] = np.where(older, self.root_hour[s, root], now & 0xFFFF)
            self.root_count[s, root] = np.minimum(total + CELL, 0xFFFFFFFF)
            self.root_children[s, root] = np.minimum(children + ~known[upper], _MOST)
        parent = lesson.parent[later]
        below = ~known & (~upper | (parent != 0))
        if not below.any():
            return
        at, kept = self._locate(slot[below], level[below], parent[below])  # of the same part
        s, at = slot[below][kept], at[kept]
        more = (self.tag[s, at] & np.uint32(_MOST_CHILDREN)) < _MOST_CHILDREN
        self.tag[s, at] += more.astype(np.uint32)

    def _locate(self, slot: I64, level: int | I64, value: U64) -> tuple[I64, Bool]:
        """The cell of each value in the profile at `slot`, and whether it is there (else the first of its set)."""
        cell, tag = _place(level, value)
        match = (self.tag[slot[:, None], cell[:, None] + np.arange(WAYS)] >> np.uint32(8)) == tag[:, None]
        return cell + match.argmax(axis=1), match.any(axis=1)

    def _faintest(self, slot: I64, level: I64, value: U64, hour: I64) -> I64:
        """The cell that a new value takes in its set: an empty one, else the one with the lowest count as of `hour`."""
        cell = _place(level, value)[0]
        ways = cell[:, None] + np.arange(WAYS)
        count = self._count(slot[:, None], ways, np.broadcast_to(hour[:, None], ways.shape))
        least: I64 = np.where(self.tag[slot[:, None], ways] == 0, -1, count).argmin(axis=1)
        return cell + least

    def _count(self, slot: I64, at: I64, hour: I64) -> I64:
        return decayed(self.count[slot, at].astype(np.int64), self.hour[slot, at].astype(np.int64), hour)

    def _learn_home(self, slot: I64, level: I64, value: U64) -> None:
        told = _HOME[level] >= 0
        slot, home, value = slot[told], _HOME[level[told]], value[told]
        weight = self.home_weight[slot, home].astype(np.int64)
        same = self.home[slot, home] == value
        taken = ~same & (weight == 0)
        self.home[slot[taken], home[taken]] = value[taken]
        weight = np.where(same | taken, weight + 1, weight - 1)
        self.home_weight[slot, home] = np.minimum(weight, _MOST)


def _place(level: int | I64, value: U64) -> tuple[I64, U32]:
    """First cell of the set of a value at `level`, and its 24-bit tag (never 0: an empty cell has tag 0)."""
    within = ((value >> np.uint64(32)) % _SETS_OF[level]).astype(np.int64)
    cell = (_FIRST_OF[level] + within) * WAYS
    tag = (value & np.uint64(0xFFFFFF)).astype(np.uint32)
    return cell, np.maximum(tag, np.uint32(1))
