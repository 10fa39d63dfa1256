from __future__ import annotations

import pytest

from detector.simulate.tenant import Dataset
from detector.training.judged import Judged, judge

SMALL = {"principals": 60.0, "days": 10.0, "uses_per_day": 6.0}


@pytest.fixture(scope="session")
def judged() -> Judged:
    """One small tenant, simulated, read and scored by the detector and no baseline."""
    return judge(Dataset("dev", "ordinary", thefts=1), 0, [], **SMALL)
