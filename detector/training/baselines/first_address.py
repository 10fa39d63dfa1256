"""The first address of a session is locked; every other one is an alert."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from detector.training.baselines.base import F64, Baseline
from detector.training.history import size
from detector.training.sessions import off_first_address, session_uses
from detector.training.uses import Uses

_LOCK_BYTES = 8 + 16  # a 64-bit hash of the credential, an address


class FirstAddress(Baseline):
    """Knows no addresses beforehand and trusts whoever comes first."""

    name: ClassVar[str] = "first_address"
    title: ClassVar[str] = "First-address lock"
    source: ClassVar[str] = "Bengtson, Netflix, 2018: Detecting Credential Compromise in AWS"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        return off_first_address(uses).astype(np.float64)

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return _LOCK_BYTES * size(uses.credential[session_uses(uses)])
