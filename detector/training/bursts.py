"""Bursts: keys that come more often in this tick than in the ticks before, as MIDAS and MStream measure it.

Counts are exact. The published count-min sketches hold the same numbers plus collisions, so this is the methods at
their best. Formulas: Bhatia et al., AAAI 2020 (arXiv 1911.04464); the conditional merge: Bhatia et al., TKDD 2022
(arXiv 2009.08452); records: Bhatia et al., WWW 2021 (arXiv 2009.08451).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I32, I64
from detector.training.history import History, known, pair, size
from detector.training.uses import Uses

F64 = NDArray[np.float64]

TICK: Final = 3600  # seconds
COUNT_BYTES: Final = 8 + 4 + 4  # a 64-bit key, its count in this tick and its total


def ticks(second: I64) -> I64:
    """int64[n]: the tick of each use, from 1 on. A use that comes late counts in the tick that is running."""
    running: I64 = np.maximum.accumulate(second // TICK)
    found: I64 = running - running[:1] + 1
    return found


def bursts(key: I32 | I64, tick: I64, decay: float, merge_below: float | None = None) -> F64:
    """float64[n]: chi-squared of the key's decayed count in its tick against its mean over all ticks.

    A count loses `decay` at each new tick. Without `merge_below` the use itself is in both counts. With it (MIDAS-F),
    totals hold past ticks only, and a tick in which a key scored `merge_below` or more adds the key's mean instead of
    its count, so that a burst does not become normal.
    """
    code = np.unique(key, return_inverse=True)[1]
    nth = History.of(pair(code, tick)).count() + 1.0  # of the key in the tick, the use included
    keys = int(code.max(initial=-1)) + 1
    current, total, latest = np.zeros(keys), np.zeros(keys), np.zeros(keys)
    score = np.zeros(len(code))
    starts = np.flatnonzero(np.diff(tick, prepend=0))
    last = 1
    for begin, end in zip(starts, np.append(starts, len(tick))[1:], strict=True):
        now = int(tick[begin])
        if merge_below is not None and now > last:
            mean = total / (last - 1) if last > 1 else 0.0
            total += np.where(latest < merge_below, current, mean)
        current *= decay ** (now - last)
        here, extra = code[begin:end], nth[begin:end]
        seen = total[here] + (extra if merge_below is None else 0.0)
        ticks_seen = now if merge_below is None else now - 1
        score[begin:end] = latest[here] = _chi_squared(current[here] + extra, seen, ticks_seen, now)
        came = np.bincount(here, minlength=keys)
        current += came
        if merge_below is None:
            total += came
        last = now
    return score


def _chi_squared(current: F64, total: F64, ticks_seen: int, tick: int) -> F64:
    """(a - s/m)² m² / (s (t - 1)): a count a of tick t, a total s over m ticks. 0 in the first tick, and without s."""
    past = total > 0
    if tick == 1:
        return np.zeros(len(current))
    found: F64 = (current * ticks_seen - total) ** 2 / np.where(past, total * (tick - 1), 1.0)
    return np.where(past, found, 0.0)


def relational(uses: Uses, decay: float, merge_below: float | None = None) -> F64:
    """float64[n]: the strongest burst of an edge or of its ends; edges lead from principal to prefix and to action."""
    score, tick = np.zeros(len(uses)), ticks(uses.second)
    for value in (uses.prefix, uses.action):
        rows = np.flatnonzero(known(value, uses.principal))
        principal, target = uses.principal[rows], value[rows]
        for key in (pair(principal, target), principal, target):
            score[rows] = np.maximum(score[rows], bursts(key, tick[rows], decay, merge_below))
    return score


def relational_bytes(uses: Uses, entry: int = COUNT_BYTES) -> int:
    """Bytes of the counts of `relational`, at `entry` bytes a key."""
    edges = (pair(uses.principal, uses.prefix), pair(uses.principal, uses.action))
    return entry * size(*edges, uses.principal, uses.principal, uses.prefix, uses.action)
