"""The first-address lock, silent about addresses that the tenant has used before."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, size
from detector.training.sessions import off_first_address, session_uses
from detector.training.uses import Uses

_LOCK_BYTES = 8 + 16  # a 64-bit hash of the credential, an address
_ADDRESS_BYTES = 16


class FirstAddressTenant(Baseline):
    """A pool of gateways that is in use is no news; nor is a thief who comes through one."""

    name: ClassVar[str] = "first_address_tenant"
    title: ClassVar[str] = "First-address lock, address new to the tenant"
    source: ClassVar[str] = "a variant of Bengtson, Netflix, 2018: Detecting Credential Compromise in AWS"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        new = History.of(uses.address).count() == 0
        score: F64 = (off_first_address(uses) & new).astype(np.float64)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return _LOCK_BYTES * size(uses.credential[session_uses(uses)]) + _ADDRESS_BYTES * size(uses.address)
