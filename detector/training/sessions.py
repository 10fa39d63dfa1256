"""Sessions and their first address: credentials that expire are expected to stay where they were first used."""

from __future__ import annotations

from typing import Final

import numpy as np

from detector.domain import KINDS, Bool
from detector.training.history import History, known
from detector.training.uses import Uses

EXPIRING: Final = np.array([not kind.static and kind.name != "unknown" for kind in KINDS])


def session_uses(uses: Uses) -> Bool:
    """bool[n]: uses of credentials that expire, from an address; what came through an endpoint is left out."""
    found: Bool = EXPIRING[uses.kind] & known(uses.credential, uses.address) & ~uses.endpoint
    return found


def off_first_address(uses: Uses) -> Bool:
    """bool[n]: uses of a session from another address than its first."""
    rows = np.flatnonzero(session_uses(uses))
    address = uses.address[rows]
    found = np.zeros(len(uses), np.bool_)
    found[rows] = address != address[History.of(uses.credential[rows]).first()]
    return found
