"""Points, thefts and fields written by hand, for tests of figures."""

from __future__ import annotations

import numpy as np

from detector.simulate.truth import Theft
from detector.training.figures import Field
from detector.training.points import DAY_SECONDS, Points

START = 1_767_571_200


def theft(index: int, second: int = START, uses: int = 3, **fields: object) -> Theft:
    """A theft of `uses` uses, a minute apart."""
    values = {
        "index": index, "scenario": "r01_external_host", "family": "replay", "stealth": "S1", "style": "mixed",
        "techniques": ("T1550.001",), "void": False, "kind": "aws.session/instance", "realm": "1",
        "principals": (f"p{index}",), "credentials": (f"c{index}",),
        "event_ids": tuple(f"e{index}-{at}" for at in range(uses)),
        "seconds": tuple(second + 60 * at for at in range(uses)), "victim_goes_on": True, "prior_uses": 20, **fields,
    }  # fmt: skip
    return Theft(**values)  # type: ignore[arg-type]


def points(*rows: tuple[int, int, float, int]) -> Points:
    """Points of (principal, seconds after `START`, score, theft or -1), in order of arrival; they arrive at once."""
    principal, after, score, stolen = (np.array(column) for column in zip(*rows, strict=True)) if rows else ((),) * 4
    second = np.asarray(after, np.int64) + START
    return Points.of(
        np.asarray(principal, np.int64), second, second, np.asarray(score, np.float64), np.asarray(stolen, np.int32),
        np.zeros(len(second), np.int32),
    )  # fmt: skip


def field(*thefts: Theft, days: int = 10_000, causes: tuple[str, ...] = ("",)) -> Field:
    """A field with `days` benign principal-days of one principal."""
    windows = tuple((theft.index, theft.seconds[0] - 7 * DAY_SECONDS, theft.seconds[-1]) for theft in thefts)
    return Field(thefts, causes, np.zeros(days, np.int64), windows)
