"""Any property of a principal's day that no earlier day had."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I32, Bool
from detector.training.baselines.base import F64, Baseline
from detector.training.history import History, known, pair, size
from detector.training.uses import Uses

_BASELINE: Final = 2  # days since the principal was first seen
_HOSTING: Final = ("cloud", "other-cloud", "hosted-ci", "hosting-")  # how the names of such owners begin
_ENTRY_BYTES: Final = 8 + 4  # a 64-bit hash, a day


class AnyProperty(Baseline):
    """The number of properties that are new today: network, hosted or not, target, client family, credential type.

    The target of a sign-in is an API; here that is the service. A day's uses are compared with earlier days only, as
    a detection that runs once a day would; it then fires on all uses of that day that show the new value.
    """

    name: ClassVar[str] = "any_property"
    title: ClassVar[str] = "Any new property of a day"
    source: ClassVar[str] = "Microsoft Entra ID Protection: suspicious sign-ins of workload identities, as documented"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        first_day = uses.day[History.of(uses.principal).first()]
        learnt = known(uses.principal) & (uses.day - first_day >= _BASELINE)
        score = np.zeros(len(uses))
        for value in _properties(uses):
            score += learnt & _new_today(uses, value)
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        return _ENTRY_BYTES * size(uses.principal, *(pair(uses.principal, value) for value in _properties(uses)))


def _properties(uses: Uses) -> tuple[I32, ...]:
    hosting = np.array([owner.startswith(_HOSTING) for owner in uses.providers]).astype(np.int32)
    hosted: I32 = np.where(uses.provider != 0, 1 + hosting[uses.provider], 0).astype(np.int32)
    return uses.provider, hosted, uses.service, uses.family, uses.kind


def _new_today(uses: Uses, value: I32) -> Bool:
    """bool[n]: known values that the principal was first seen with on the day of the use, or later."""
    first = History.of(pair(uses.principal, value)).first()
    new: Bool = known(value) & (uses.day[first] >= uses.day)
    return new
