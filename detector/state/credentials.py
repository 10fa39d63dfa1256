"""CredentialTable: the lifecycle of each live credential, 64 bytes a credential. Rows advance use by use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from detector.domain import DAY, I64, SECOND, U32, U64, Activity, Bool, Flag, UseBatch
from detector.fingerprint.facets import Facets
from detector.state.table import Table

_CHANGES: Final = np.isin(np.arange(len(Activity)), [Activity.ISSUE, Activity.REVOKE, Activity.DECLARE, Activity.RENEW])
_KEPT_AFTER_END: Final = 7 * DAY // SECOND  # an ended credential stays known this long, so that later use is seen
_FOREVER: Final = np.uint32(0xFFFFFFFF)


@dataclass(slots=True)
class Lifecycle:
    """What was known of the credential of each row, as of that row; seconds, 0 = unknown or never."""

    issued: I64
    expires: I64
    revoked: I64
    parent_revoked: I64


class CredentialTable(Table):
    """Credentials by key."""

    layout: ClassVar = {
        "principal": (np.uint64, 0),
        "text": (np.uint64, 0),  # hash of the credential's id alone: what a child's `parent` names
        "parent": (np.uint64, 0),
        "last": (np.uint32, 0),  # seconds
        "issued": (np.uint32, 0),
        "expires": (np.uint32, 0),
        "revoked": (np.uint32, 0),
        "parent_revoked": (np.uint32, 0),
        "standing": (np.uint32, 0),  # as of the last close: active until; 0 before its first close
    }
    principal: U64
    text: U64
    parent: U64
    last: U32
    issued: U32
    expires: U32
    revoked: U32
    parent_revoked: U32
    standing: U32

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._newly_revoked: list[U64] = []
        self._reversed: list[U64] = []
        self._changed: list[U64] = []

    def advance(self, batch: UseBatch, facets: Facets) -> Lifecycle:
        """Take in rows: what was known of the credential at each row."""
        believed = batch.flags & Flag.TS_SUSPECT == 0  # an absurd stamp would stay: as last use, as end
        rows = np.flatnonzero((facets.credential != 0) & believed)
        slot = np.full(len(batch), -1, np.int64)
        slot[rows], fresh = self.admit(facets.credential[rows])
        seconds = batch.time // SECOND
        self._open(batch, facets, slot, fresh)
        known = Lifecycle(*(np.zeros(len(batch), np.int64) for _ in range(4)))
        states = _CHANGES[batch.activity[rows]]
        self._changed.append(self.index.keys[np.concatenate([fresh, slot[rows[states]]])])
        turn = _statements_so_far(slot[rows], states)
        self._note(known, slot, rows[turn == 0])
        for k in range(1, int(turn.max(initial=0)) + 1):
            now = turn == k
            self._apply(batch, facets, slot, rows[now & states], seconds)
            self._note(known, slot, rows[now])
        np.maximum.at(self.last, slot[rows], seconds[rows].astype(np.uint32))
        return known

    def _open(self, batch: UseBatch, facets: Facets, slot: I64, fresh: I64) -> None:
        """Columns of new credentials, from their first row. Expiry stated by a use counts as stated by the log."""
        if not len(fresh):
            return
        rows = np.flatnonzero(slot >= 0)
        first = np.full(self.index.capacity, -1, np.int64)
        first[slot[rows][::-1]] = rows[::-1]
        at = first[fresh]
        self.principal[fresh] = facets.principal[at]
        self.text[fresh] = batch.strings.hashes[batch.credential[at]]
        self.parent[fresh] = facets.parent[at]
        self.issued[fresh] = batch.issued_at[at] // SECOND
        self.expires[fresh] = batch.expires_at[at] // SECOND

    def _apply(self, batch: UseBatch, facets: Facets, slot: I64, rows: I64, seconds: I64) -> None:
        """Rows of distinct credentials that state something about them."""
        activity = batch.activity[rows]
        issue = rows[(activity == Activity.ISSUE) | (activity == Activity.RENEW)]
        expires = batch.expires_at[issue] // SECOND
        self.expires[slot[issue]] = np.where(expires > 0, expires, self.expires[slot[issue]])
        issued = batch.issued_at[issue] // SECOND
        self.issued[slot[issue]] = np.where(issued > 0, issued, self.issued[slot[issue]])
        parent = facets.parent[issue]
        self.parent[slot[issue]] = np.where(parent != 0, parent, self.parent[slot[issue]])
        revoke = rows[activity == Activity.REVOKE]
        before = self.revoked[slot[revoke]]
        at = seconds[revoke].astype(np.uint32)
        self.revoked[slot[revoke]] = np.where(before > 0, np.minimum(before, at), at)
        self._newly_revoked.append(facets.credential[revoke])
        again = rows[(activity == Activity.DECLARE) & (batch.flags[rows] & Flag.REACTIVATED != 0)]
        self.revoked[slot[again]] = 0
        self._reversed.append(facets.credential[again])

    def _note(self, known: Lifecycle, slot: I64, rows: I64) -> None:
        for name in ("issued", "expires", "revoked", "parent_revoked"):
            getattr(known, name)[rows] = self.column(name)[slot[rows]]

    def settle(self) -> None:
        """At a close: how long the credentials that changed in the epoch stand."""
        if not self._changed:
            return
        slots = self.find(np.unique(np.concatenate(self._changed)))
        self._changed.clear()
        ends = [np.where(end[slots] > 0, end[slots], _FOREVER) for end in (self.expires, self.revoked)]
        self.standing[slots] = np.minimum(*ends)

    def active(self, principal: int, now: int) -> int:
        """How many credentials of a principal (key) stand at `now` (seconds), as far as the last close knew."""
        return int(np.count_nonzero((self.principal == np.uint64(principal)) & (self.standing > now)))

    def orphan(self) -> None:
        """At a close: credentials whose parent was revoked since the last one, or switched on again, learn it."""
        ended = [*self._newly_revoked, *self._reversed]
        if not ended:
            return
        parents = self.find(np.unique(np.concatenate(ended)))
        self._newly_revoked.clear()
        self._reversed.clear()
        parents = parents[parents >= 0]
        if not len(parents):
            return
        parents = parents[np.argsort(self.text[parents], kind="stable")]
        slots = self.index.slots()
        children = slots[np.isin(self.parent[slots], self.text[parents])]
        at = np.searchsorted(self.text[parents], self.parent[children])
        self.parent_revoked[children] = self.revoked[parents][at]

    def ended(self, now: int) -> I64:
        """Slots that can go at a close: ended for a week as of `now` (seconds), then the longest unused over limit."""
        slots = self.index.slots() if self.is_full else self.index.unordered()
        end = np.maximum(self.expires[slots], self.revoked[slots]).astype(np.int64)
        gone = (end > 0) & (np.maximum(end, self.last[slots]) + _KEPT_AFTER_END < now)
        if not self.is_full:
            return slots[gone]
        order = np.where(gone, -1, self.last[slots].astype(np.int64))
        return np.union1d(slots[gone], self.evict(order))


def _statements_so_far(owner: I64, states: Bool) -> I64:
    """int64[n]: for each row, how many rows of its owner up to and with it state something."""
    if not states.any():
        return np.zeros(len(owner), np.int64)
    order = np.argsort(owner, kind="stable")
    total = np.cumsum(states[order])
    starts = np.flatnonzero(np.concatenate([[True], np.diff(owner[order]) != 0])[: len(owner)])
    before: I64 = np.repeat((total - states[order])[starts], np.diff(np.concatenate([starts, [len(owner)]])))
    so_far = np.empty(len(owner), np.int64)
    so_far[order] = total - before
    return so_far
