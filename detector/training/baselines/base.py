"""A baseline: a published or shipped method, scoring the same uses as the detector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from detector.registry import members
from detector.training import baselines
from detector.training.uses import SECONDS_PER_DAY, Uses

FITTED_DAYS: Final = 7

F64 = NDArray[np.float64]


class Baseline(ABC):
    """A member of the family. `name` is the file's name.

    `natural` is the score from which on the method as published raises an alert (None: it only ranks). A
    `slow` one scores one tenant of a dataset.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]  # where the method is from
    natural: ClassVar[float | None]
    slow: ClassVar[bool] = False

    @abstractmethod
    def score(self, uses: Uses) -> F64:
        """float64[n]: how suspicious each use is, knowing only uses before it (in order of arrival); higher is worse.

        0 means silent. What is fitted, is fitted on the first seven days, which then score 0.
        """

    @abstractmethod
    def state_bytes(self, uses: Uses) -> int:
        """What the method would have to remember for these uses, in bytes: its tables, not this implementation's."""


def load_baselines() -> dict[str, Baseline]:
    """All baselines by name."""
    return {name: member() for name, member in members(baselines, Baseline).items()}


def fitted_until(uses: Uses) -> int:
    """How many uses came before the first one of the eighth day: what a method that is fitted may be fitted on."""
    if not len(uses):
        return 0
    begun = uses.day[0] * SECONDS_PER_DAY
    after = np.flatnonzero(uses.second >= begun + FITTED_DAYS * SECONDS_PER_DAY)
    return int(after[0]) if len(after) else len(uses)
