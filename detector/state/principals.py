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
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

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

    def take(self, index: I64 | Bool) -> Lessons:
        """The lessons at positions or of a mask, in that order."""
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

    def seen(self, slot: I64, level: int | I64, value: U64, hour: I64) -> tuple[I64, I64]:
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

    def stale(self, slot: I64, level: int | I64, value: U64, hour: I64) -> tuple[Bool, Bool]:
        """Whether `hour` is a new hour cell of the value, and whether the value was not used on that day before."""
        at, known = self._locate(slot, level, value)
        since = elapsed_hours(hour, self.hour[slot, at].astype(np.int64))
        new_hour = ~known | (since > 0)
        # The epoch (1970-01-01T00) is a midnight and 2**16 hours are no whole number of days: compare real days.
        days = (hour - since) // 24 != hour // 24
        return new_hour, ~known | (new_hour & days)

    def learn(self, lessons: Lessons) -> None:
        """Add hour cells, in the order given: parents come before their children, as `canonical` has them.

        Lessons of one set of cells, one root or one home are taken one after the other, all others together. Parents
        count their children last: one that gave up its cell counts none.
        """
        set_of = _place(lessons.level, lessons.value)[0] // WAYS
        later, known = np.empty((2, len(set_of)), np.bool_)
        for at in rounds(lessons.slot * SETS + set_of):
            later[at], known[at] = self._learn_cells(lessons.take(at))
        new, lessons = ~known[later], lessons.take(later)
        upper = np.flatnonzero(_ROOT[lessons.level] >= 0)
        for at in rounds(lessons.slot[upper] * len(ROOT_OF) + _ROOT[lessons.level[upper]]):
            self._learn_roots(lessons.take(upper[at]), new[upper[at]])
        told = np.flatnonzero(_HOME[lessons.level] >= 0)
        for at in rounds(lessons.slot[told] * len(HOME_OF) + _HOME[lessons.level[told]]):
            self._learn_homes(lessons.take(told[at]))
        self._count_children(lessons.take(new & (lessons.parent != 0)))

    def _learn_cells(self, lesson: Lessons) -> tuple[Bool, Bool]:
        """One lesson for each of several sets: whether it is of a later hour, and whether its value was known."""
        slot, hour = lesson.slot, lesson.hour
        at, known = self._locate(slot, lesson.level, lesson.value)
        new = ~known
        if new.any():
            at[new] = self._faintest(slot[new], lesson.level[new], lesson.value[new], hour[new])
        later = new | (elapsed_hours(hour, self.hour[slot, at].astype(np.int64)) > 0)
        before = np.where(known, self._count(slot, at, hour), 0)
        self.count[slot[later], at[later]] = np.minimum(before[later] + CELL, _MOST)
        self.hour[slot[later], at[later]] = hour[later] & 0xFFFF
        self.tag[slot[new], at[new]] = _place(lesson.level[new], lesson.value[new])[1] << np.uint32(8)
        return later, known

    def _learn_roots(self, lesson: Lessons, new: Bool) -> None:
        """One lesson for each of several roots, which count hour cells and new values."""
        slot, root, hour = lesson.slot, _ROOT[lesson.level], lesson.hour
        total, children = self.total(slot, root, hour)
        older = elapsed_hours(hour, self.root_hour[slot, root].astype(np.int64)) < 0
        self.root_hour[slot, root] = np.where(older, self.root_hour[slot, root], hour & 0xFFFF)
        self.root_count[slot, root] = np.minimum(total + CELL, 0xFFFFFFFF)
        self.root_children[slot, root] = np.minimum(children + new, _MOST)

    def _learn_homes(self, lesson: Lessons) -> None:
        """One lesson for each of several homes."""
        slot, home, value = lesson.slot, _HOME[lesson.level], lesson.value
        weight = self.home_weight[slot, home].astype(np.int64)
        same = self.home[slot, home] == value
        taken = ~same & (weight == 0)
        self.home[slot[taken], home[taken]] = value[taken]
        weight = np.where(same | taken, weight + 1, weight - 1)
        self.home_weight[slot, home] = np.minimum(weight, _MOST)

    def _count_children(self, lessons: Lessons) -> None:
        """New values, at the cells of their parents."""
        at, kept = self._locate(lessons.slot, lessons.level, lessons.parent)  # of the same part
        cell, more = np.unique((lessons.slot * (SETS * WAYS) + at)[kept], return_counts=True)
        tags = self.tag.reshape(-1)
        room = _MOST_CHILDREN - (tags[cell] & np.uint32(_MOST_CHILDREN))
        tags[cell] += np.minimum(more, room).astype(np.uint32)

    def _locate(self, slot: I64, level: int | I64, value: U64) -> tuple[I64, Bool]:
        """The cell of each value in the profile at `slot`, and whether it is there (else the first of its set)."""
        cell, tag = _place(level, value)
        match = (_sets(self.tag, slot, cell) >> np.uint32(8)) == tag[:, None]
        return cell + match.argmax(axis=1), match.any(axis=1)

    def _faintest(self, slot: I64, level: I64, value: U64, hour: I64) -> I64:
        """The cell that a new value takes in its set: an empty one, else the one with the lowest count as of `hour`."""
        cell = _place(level, value)[0]
        count, then = (_sets(column, slot, cell).astype(np.int64) for column in (self.count, self.hour))
        left = decayed(count, then, hour[:, None])
        least: I64 = np.where(_sets(self.tag, slot, cell) == 0, -1, left).argmin(axis=1)
        return cell + least

    def _count(self, slot: I64, at: I64, hour: I64) -> I64:
        return decayed(self.count[slot, at].astype(np.int64), self.hour[slot, at].astype(np.int64), hour)


def _sets(column: NDArray[Any], slot: I64, cell: I64) -> NDArray[Any]:
    """[n, WAYS]: of profiles at `slot`, the cells of the sets that begin at `cell`."""
    found: NDArray[Any] = column.reshape(-1, WAYS)[slot * SETS + cell // WAYS]
    return found


def _place(level: int | I64, value: U64) -> tuple[I64, U32]:
    """First cell of the set of a value at `level`, and its 24-bit tag (never 0: an empty cell has tag 0)."""
    within = ((value >> np.uint64(32)) % _SETS_OF[level]).astype(np.int64)
    cell = (_FIRST_OF[level] + within) * WAYS
    tag = (value & np.uint64(0xFFFFFF)).astype(np.uint32)
    return cell, np.maximum(tag, np.uint32(1))
