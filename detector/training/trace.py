"""The detector over one tenant, watched: a point for every candidate that an alert could stand on, however weak."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detector.bundle import Bundle
from detector.detections.base import load_detections
from detector.domain import SECOND, UseBatch
from detector.pipeline import Configuration, Pipeline
from detector.runtime.choice import choose
from detector.scoring.episode import Candidate, Episode
from detector.scoring.fixed import NAT
from detector.settings import Settings
from detector.training.ground import Ground
from detector.training.points import BENIGN, Points


class Trace:
    """Collects points. Scores are the running additive log-likelihood of the episode, in nats.

    A point counts from when a detection that sends alerts stands behind its episode: before, no threshold makes an
    alert of it.
    """

    def __init__(self, ground: Ground, configuration: Configuration) -> None:
        self._ground = ground
        self._sending = [configuration.detections[name] for name in sorted(configuration.sending)]
        self._taken: dict[int, tuple[int, int]] = {}  # principal code → (its episode's opening, theft it has taken in)
        self._rows: list[tuple[int, int, int, float, int, int]] = []

    def __call__(self, use: Candidate, episode: Episode) -> None:
        """Note one candidate and the episode it stands in."""
        ground = self._ground
        row = ground.row_of[use.native_id]
        principal, theft = int(ground.uses.principal[row]), int(ground.behind[row])
        if theft != BENIGN:
            self._taken[principal] = (episode.opened, theft)
        else:
            opened, taken = self._taken.get(principal, (0, BENIGN))
            theft = taken if opened == episode.opened else BENIGN
        if any(detection.supported(episode) for detection in self._sending):
            arrival = use.append_time // SECOND
            self._rows.append(
                (principal, use.time // SECOND, arrival, episode.score / NAT, theft, int(ground.churn[row]))
            )

    def points(self) -> Points:
        """What was collected."""
        rows = self._rows
        principal, second, arrival, score, theft, churn = zip(*rows, strict=True) if rows else ((),) * 6
        return Points.of(
            np.array(principal, np.int64),
            np.array(second, np.int64),
            np.array(arrival, np.int64),
            np.array(score, np.float64),
            np.array(theft, np.int32),
            np.array(churn, np.int32),
        )


def trace(batches: Iterable[UseBatch], ground: Ground, bundle: Bundle) -> tuple[Points, int]:
    """Run the detector with default settings; its points, and how many incidents it told of."""
    configuration = choose(Settings(), load_detections())
    watching = Trace(ground, configuration)
    pipeline = Pipeline(bundle, configuration, watch=watching)
    told: set[str] = set()
    for batch in batches:
        told.update(one.alert.incident_id for one in pipeline.process(batch) if one.sends)
    return watching.points(), len(told)
