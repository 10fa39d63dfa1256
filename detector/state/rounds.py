"""Rounds: rows of several owners, one row of each owner at a time, in row order.

Inside an epoch everything that changes hangs under one owner (a principal, a credential, a holder), so the first rows
of all owners can be stepped together, then the second rows, and so on: the result is that of one row at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.domain import I64


def rounds(owner: NDArray[Any]) -> Iterator[I64]:
    """Positions of the k-th row of every owner, for k = 0, 1, …; each ascending."""
    if not len(owner):
        return
    order = owner.argsort(kind="stable")
    ordered = owner[order]
    again = np.zeros(len(owner), np.bool_)
    again[1:] = ordered[1:] == ordered[:-1]
    if not again.any():
        yield np.arange(len(owner))
        return
    at = np.arange(len(owner))
    place = at - np.maximum.accumulate(np.where(again, 0, at))
    by_round = place.argsort(kind="stable")
    end = 0
    for count in np.bincount(place).tolist():
        end, begin = end + count, end
        yield np.sort(order[by_round[begin:end]])
