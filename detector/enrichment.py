"""Enrichment: what the operator's assets say of each row of a batch. Stateless but for caches; no clock.

It fills the columns `provider`, `environment` and `owner`, and marks rows that come from where their principal was
declared to come from. What the assets do not say stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.assets import CORPORATE, VENDOR, Assets, Place, matcher
from detector.domain import I32, Flag, StringTable, UseBatch
from detector.fingerprint.ranges import RangeTable

_UNASKED: Final = -1
_MOST: Final = 1 << 18  # memberships remembered of one table of texts


@dataclass(frozen=True, slots=True)
class _Rule:
    """An entry with its patterns compiled; None matches everything."""

    name: str
    realms: re.Pattern[str] | None
    accounts: re.Pattern[str] | None
    principals: re.Pattern[str] | None

    @classmethod
    def of(cls, name: str, place: Place) -> _Rule:
        realms, accounts, principals = (
            matcher(patterns) if patterns else None for patterns in (place.realms, place.accounts, place.principals)
        )
        return cls(name, realms, accounts, principals)

    def fits(self, realm: str, account: str, principal: str) -> bool:
        pairs = ((self.realms, realm), (self.accounts, account), (self.principals, principal))
        return all(pattern is None or pattern.fullmatch(text) for pattern, text in pairs)


class Enricher:
    """Fills the columns of decoded batches. Remembers what the texts of one `StringTable` at a time mean."""

    def __init__(self, assets: Assets) -> None:
        file = assets.file
        self._egress, self._ranges, self._databases = assets.egress, assets.ranges, assets.databases
        self._has_addresses = bool(len(assets.egress) or len(assets.ranges) or assets.databases)
        self._environments = [_Rule.of(one.name, one) for one in file.environments]
        self._owners = [_Rule.of(one.name, one) for one in file.owners]
        # A vendor's number tells whether an address is its own; 0 is nobody, and -1 the company itself.
        self._vendors = [(at, VENDOR + one.name, matcher(one.principals)) for at, one in enumerate(file.vendors, 1)]
        number = {name: at for at, name, _ in self._vendors}
        self._whose: I32 = np.array(
            [-1 if name.startswith(CORPORATE) else number.get(name, 0) for name in assets.egress.names], np.int32
        )
        self._has_places = bool(self._environments or self._owners or self._vendors)
        self._forget(StringTable())

    def _forget(self, strings: StringTable) -> None:
        """Begin anew with the texts of another table."""
        self._strings = strings
        self._provider: I32 = np.zeros(0, np.int32)  # code of an address → code of its provider, or _UNASKED
        self._declared: I32 = np.zeros(0, np.int32)  # code of an address → whose declared egress it is
        self._members: dict[tuple[int, int], tuple[int, int, int]] = {}

    def enrich(self, batch: UseBatch) -> None:
        """Fill the columns of a batch, in place."""
        if self._strings is not batch.strings:
            self._forget(batch.strings)
        vendor = np.zeros(len(batch), np.int32)
        if self._has_places and len(batch):
            batch.environment, batch.owner, vendor = self._places(batch)
        if self._has_addresses and len(batch):
            self._ask(batch)
            batch.provider = self._provider[batch.address]
            declared = self._declared[batch.address]
            known = (declared == -1) | ((declared > 0) & (declared == vendor))
            batch.flags = batch.flags | np.where(known, np.int32(Flag.KNOWN_EGRESS), np.int32(0))

    def _ask(self, batch: UseBatch) -> None:
        """Find the owners of addresses that are new in the table of texts."""
        more = len(self._strings) - len(self._provider)
        self._provider = np.concatenate([self._provider, np.full(more, _UNASKED, np.int32)])
        self._declared = np.concatenate([self._declared, np.zeros(more, np.int32)])
        self._provider[0] = 0
        codes = np.unique(batch.address[self._provider[batch.address] == _UNASKED])
        if not len(codes):
            return
        addresses = [self._strings.texts[code] for code in codes.tolist()]
        declared = self._egress.lookup(addresses)
        self._declared[codes] = self._whose[declared]
        found = self._named(self._egress, declared)
        unknown = np.flatnonzero(found == 0)
        left = [addresses[at] for at in unknown.tolist()]
        found[unknown] = self._named(self._ranges, self._ranges.lookup(left))
        for database in self._databases:
            for at in np.flatnonzero(found == 0).tolist():
                found[at] = self._strings.code(database.provider(addresses[at]))
        self._provider[codes] = found

    def _named(self, table: RangeTable, owner: I32) -> I32:
        """Places in the names of a table as codes of texts."""
        distinct, inverse = np.unique(owner, return_inverse=True)
        return self._strings.codes([table.names[at] for at in distinct.tolist()])[inverse]

    def _places(self, batch: UseBatch) -> tuple[I32, I32, I32]:
        """Codes of environment and owner, and the number of the vendor that the principal was given to."""
        home, inverse = np.unique(batch.realm.astype(np.int64) << 32 | batch.account, return_inverse=True)
        keys, at = np.unique(inverse.astype(np.int64) << 32 | batch.principal, return_inverse=True)
        if len(self._members) > _MOST:
            self._members.clear()
        members = [self._member(int(home[key >> 32]), key & 0xFFFFFFFF) for key in keys.tolist()]
        environment, owner, vendor = np.array(members, np.int32)[at].T
        return environment, owner, vendor

    def _member(self, home: int, principal: int) -> tuple[int, int, int]:
        known = self._members.get((home, principal))
        if known is not None:
            return known
        text, code = self._strings.texts, self._strings.code
        names = (text[home >> 32], text[home & 0xFFFFFFFF], text[principal])
        number, vendor = next(((at, name) for at, name, one in self._vendors if one.fullmatch(names[2])), (0, ""))
        environment, owner = (
            next((rule.name for rule in rules if rule.fits(*names)), "") for rules in (self._environments, self._owners)
        )
        known = self._members[home, principal] = (code(environment), code(owner or vendor), number)
        return known
