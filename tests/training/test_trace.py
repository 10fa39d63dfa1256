from __future__ import annotations

import numpy as np

from detector.bundle import load_bundle
from detector.resources import bundle_dir
from detector.settings import Settings
from detector.training.evaluation import queue_threshold
from detector.training.judged import BARE, Judged


def test_incidents_made_of_points_are_those_the_detector_told_of(judged: Judged) -> None:
    """The axis of an evaluation and the detector count the same thing, at the detector's own threshold."""
    threshold = queue_threshold(load_bundle(bundle_dir(Settings().bundle)))
    kept = judged.points[BARE].at_least(threshold)
    assert judged.facts.told[BARE] > 0
    assert abs(int(kept.opening().sum()) - judged.facts.told[BARE]) <= 0.1 * judged.facts.told[BARE]


def test_points_stand_below_the_threshold_too_and_know_their_theft(judged: Judged) -> None:
    threshold = queue_threshold(load_bundle(bundle_dir(Settings().bundle)))
    points = judged.points[BARE]
    assert (points.score < threshold).any()
    assert set(np.unique(points.theft).tolist()) <= {-1, *range(len(judged.facts.thefts))}
    assert (points.theft >= 0).any()
