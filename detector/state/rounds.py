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
    order = np.argsort(owner, kind="stable")
    ordered = owner[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    place = np.arange(len(owner)) - np.repeat(starts, np.diff(np.r_[starts, len(owner)]))
    by_round = np.argsort(place, kind="stable")
    for part in np.split(order[by_round], np.cumsum(np.bincount(place))[:-1]):
        yield np.sort(part)
