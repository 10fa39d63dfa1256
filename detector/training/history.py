"""What came before each use: the questions that counting methods ask, answered for all uses at once.

*Before* means before in order of arrival. A question costs one stable sort, and no answer looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from detector.domain import I32, I64, Bool
from detector.training.uses import dense


def pair(first: I32 | I64, *more: I32 | I64) -> I64:
    """int64[n]: one code for each combination of codes; which one means nothing."""
    key: I64 = first.astype(np.int64)
    for number, codes in enumerate(more):
        key = (dense(key) if number else key).astype(np.int64) << 32 | codes.astype(np.int64)
    return key


def known(*codes: I32) -> Bool:
    """bool[n]: where none of the codes is 0, which means unknown."""
    found: Bool = np.logical_and.reduce([column != 0 for column in codes])
    return found


@dataclass(frozen=True, slots=True)
class History:
    """The rows of each key, side by side in order of arrival.

    `order` int64[n] are the rows, key by key; `begin` int64[n] is where in `order` the run of its key begins.
    """

    order: I64
    begin: I64

    @classmethod
    def of(cls, key: I32 | I64) -> Self:
        """Rows with equal `key` share a history."""
        order = np.argsort(key, kind="stable").astype(np.int64)
        ordered = key[order]
        opens = np.ones(len(key), np.bool_)
        opens[1:] = ordered[1:] != ordered[:-1]
        return cls(order, np.maximum.accumulate(np.where(opens, np.arange(len(key)), 0)))

    def count(self) -> I64:
        """int64[n]: how many earlier rows there are."""
        return self._back(np.arange(len(self.order)) - self.begin)

    def first(self) -> I64:
        """int64[n]: the first row, which may be the row itself."""
        return self._back(self.order[self.begin])

    def previous(self) -> I64:
        """int64[n]: the latest earlier row; -1 where there is none."""
        before = np.concatenate([[-1], self.order[:-1]])[: len(self.order)]
        return self._back(np.where(self.begin == np.arange(len(self.order)), -1, before))

    def running(self, values: I64 | Bool) -> I64:
        """int64[n]: sum of `values` over the earlier rows and the row itself."""
        total = np.concatenate([[0], np.cumsum(values[self.order], dtype=np.int64)])
        return self._back(total[1:] - total[self.begin])

    def _back(self, values: I64) -> I64:
        """Values in the order of arrival."""
        found = np.empty(len(values), np.int64)
        found[self.order] = values
        return found


def distinct(owner: I32 | I64, value: I32) -> I64:
    """int64[n]: how many different known values the owner has shown, up to and including the row."""
    return History.of(owner).running((value != 0) & (History.of(pair(owner, value)).count() == 0))


def size(*keys: I32 | I64) -> int:
    """How many different keys there are, over all columns: the entries of a table for each."""
    return sum(len(np.unique(key)) for key in keys)
