"""New terms: a value that its holder has not shown for some days, as detection engines of log stores define it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I32, I64, KINDS, Bool, Outcome
from detector.training.history import History, known, pair, size
from detector.training.uses import SECONDS_PER_DAY, Uses

F64 = NDArray[np.float64]

HORIZON: Final = 10  # days
TERM_BYTES: Final = 16  # a 64-bit hash of the term and when it was last seen
STATIC: Final = np.array([kind.static for kind in KINDS])
_REFUSED: Final = (Outcome.DENIED, Outcome.FAILED)


def holder(uses: Uses) -> I64:
    """int64[n]: who a term belongs to: the credential where it lasts, else its principal.

    A key that lives an hour has no history. Were it the term, every session would be new, and the rule would only look
    worse than it is.
    """
    own = STATIC[uses.kind] & (uses.credential != 0)
    return np.where(own, 2 * uses.credential.astype(np.int64) + 1, 2 * uses.principal.astype(np.int64))


def unseen(key: I64, second: I64, days: int) -> Bool:
    """bool[n]: where no earlier row within `days` has the same key; each row renews its key."""
    before = History.of(key).previous()
    since: Bool = second - second[before] > days * SECONDS_PER_DAY
    return (before < 0) | since


def new_terms(uses: Uses, values: I32, days: int = HORIZON) -> F64:
    """float64[n]: 1 where the holder had not shown the value for `days`; only accepted uses count, as published."""
    rows = _counted(uses, values)
    fresh = unseen(pair(holder(uses)[rows], values[rows]), uses.second[rows], days)
    score = np.zeros(len(uses))
    score[rows[fresh]] = 1.0
    return score


def terms_bytes(uses: Uses, values: I32) -> int:
    """Bytes of the table of terms."""
    rows = _counted(uses, values)
    return TERM_BYTES * size(pair(holder(uses)[rows], values[rows]))


def _counted(uses: Uses, values: I32) -> I64:
    rows: I64 = np.flatnonzero(known(values) & ~np.isin(uses.outcome, _REFUSED))
    return rows
