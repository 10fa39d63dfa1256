"""PeerTable: how many *distinct* principals of a peer group or realm used a value, in 32 bytes a value.

Each row is a sketch of 16 one-byte max registers (HyperLogLog; Flajolet et al. 2007, linear counting below 40), in two
generations of 30 days. Adding the same member again changes nothing, so neither volume nor eviction can inflate a
count: one caller adds one, never a million. Small counts, the ones that matter, are nearly exact.

The table is frozen within an epoch; `add` is called at its close.
"""

from __future__ import annotations

import math
from typing import ClassVar, Final

import numpy as np

from detector.domain import DAY, I64, U8, U16, U64
from detector.fingerprint.hashing import mix
from detector.state.table import Table

REGISTERS: Final = 16
GENERATION: Final = 30 * DAY
UNIT: Final = 64  # estimates are integers of 1/64 member

_ALPHA: Final = 0.673
# Linear counting: 16 ln(16 / empty registers), by the number of empty registers (0 is never looked up).
_LINEAR: Final[I64] = np.array(
    [0, *(round(REGISTERS * math.log(REGISTERS / empty) * UNIT) for empty in range(1, REGISTERS + 1))], np.int64
)
_MEMBERS, _PAIRS, _CHILDREN, _HOLDERS = 1, 2, 3, 4
_CARRIED = 8


class PeerTable(Table):
    """Sketches by key. `generation` is that of the watermark; it moves at closes only."""

    layout: ClassVar = {
        "now": (np.uint8, REGISTERS),
        "before": (np.uint8, REGISTERS),
        "since": (np.uint16, 0),  # the generation of `now`
    }
    now: U8
    before: U8
    since: U16
    generation: int = 0

    def estimate(self, keys: U64) -> I64:
        """int64[n]: distinct members added under each key in the last one to two generations, in 1/64."""
        slot = self.find(keys)
        known = slot >= 0
        slot = np.maximum(slot, 0)
        age = self.generation - self.since[slot].astype(np.int64)
        now, before = self.now[slot], self.before[slot]
        registers = np.where((age == 0)[:, None], np.maximum(now, before), np.where((age == 1)[:, None], now, 0))
        return np.where(known, _estimate(registers), 0)

    def usage(self, scope: U64, value: U64, parent: U64) -> tuple[I64, I64, I64]:
        """Of each scope, in 1/64: principals that used `value`, (principal, value) pairs and values under `parent`."""
        keys = (members_key(scope, value), pairs_key(scope, parent), children_key(scope, parent))
        members, pairs, children = np.split(self.estimate(np.concatenate(keys)), 3)
        return np.minimum(members, pairs), pairs, children

    def add(self, keys: U64, members: U64) -> None:
        """Add one member under each key. Order does not matter."""
        slot, fresh = self.admit(keys)
        self.since[fresh] = self.generation
        past = slot[self.since[slot] != self.generation]
        if len(past):
            self._turn(np.unique(past))
        register = (members & np.uint64(REGISTERS - 1)).astype(np.int64)
        np.maximum.at(self.now, (slot, register), _rank(members >> np.uint64(4)))

    def _turn(self, slot: I64) -> None:
        """Bring rows into the current generation before they are written."""
        age = self.generation - self.since[slot].astype(np.int64)
        one, more = slot[age == 1], slot[age > 1]
        self.before[one] = self.now[one]
        self.before[more] = 0
        self.now[slot[age >= 1]] = 0
        self.since[slot] = self.generation

    def forget(self) -> I64:
        """Slots to give up at a close: the oldest generation first."""
        if not self.is_full:
            return np.zeros(0, np.int64)
        return self.evict(self.since[self.index.slots()])


def members_key(scope: U64, value: U64) -> U64:
    """Key of the principals of `scope` (a peer group or realm) that used `value`."""
    return mix(mix(value, scope), _MEMBERS)


def pairs_key(scope: U64, parent: U64) -> U64:
    """Key of the (principal, value) pairs under `parent`."""
    return mix(mix(parent, scope), _PAIRS)


def children_key(scope: U64, parent: U64) -> U64:
    """Key of the distinct values under `parent`."""
    return mix(mix(parent, scope), _CHILDREN)


def origin_key(realm: U64, address: U64) -> U64:
    """Key of the holders that used an address of a realm."""
    return mix(mix(address, realm), _HOLDERS)


def carrier_key(address: U64) -> U64:
    """Key of the other nodes whose pods spoke from a node's address (`address` is a key within its cluster)."""
    return mix(address, _CARRIED)


def root_value(root: int) -> int:
    """The parent of the values below a root of a profile."""
    return root + 1


def _rank(bits: U64) -> U8:
    """1 + number of leading zeros of 60 bits: the geometric variable of HyperLogLog."""
    # Exact for any 60-bit number: the exponent of the float conversion may be rounded up, so compare and correct.
    exponent = np.frexp(bits.astype(np.float64))[1].astype(np.int64)
    over = (exponent > 0) & ((bits >> np.maximum(exponent - 1, 0).astype(np.uint64)) == 0)
    rank: U8 = (61 - (exponent - over)).astype(np.uint8)
    return rank


def _estimate(registers: U8) -> I64:
    empty = (registers == 0).sum(axis=1)
    # Chance gives no rank above 48; but hashes are public, and who picks names can pick ranks. Such a count saturates.
    harmonic = (np.int64(1) << (48 - np.minimum(registers, 48).astype(np.int64))).sum(axis=1)
    raw = (_ALPHA * REGISTERS * REGISTERS * UNIT * float(1 << 48) / harmonic).astype(np.int64)
    small = (raw <= 5 * REGISTERS * UNIT // 2) & (empty > 0)
    members: I64 = np.where(small, _LINEAR[empty], raw)
    return members
