"""Streams in which nobody attacks: what the detector and three baselines say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detector.training.baselines.base import load_baselines
from detector.training.corpora import Stream
from detector.training.decoded import uses_of
from detector.training.points import BENIGN, Points, false_incidents
from detector.training.shipped import read, run
from detector.training.uses import Uses

BASELINES: Final = ("new_terms_address", "first_address", "off_cloud")


class Noise(msgspec.Struct, frozen=True):
    """One stream. `unnamed` rows name no credential, so nobody can judge its use; `uses` are those that are judged.

    `incidents` are those sent, by strongest detection; `baselines` has None where a method is blind.
    """

    name: str
    records: int
    rejected: int
    unnamed: int
    uses: int
    principals: int
    principal_days: int
    incidents: dict[str, int]
    shadow: int
    baselines: dict[str, int | None]


def listen(stream: Stream) -> Noise:
    """What the detector and the baselines say of a stream in which nobody attacks."""
    decoded = read(stream.records)
    uses = uses_of(decoded)
    sent, shadow = dict[str, str](), set[str]()
    for emission in run(decoded.slices()):
        alert = emission.alert
        if emission.sends:
            sent[alert.incident_id] = alert.detection
        else:
            shadow.add(alert.incident_id)
    return Noise(
        name=stream.name,
        records=len(stream.records),
        rejected=decoded.rejected,
        unnamed=int((decoded.batch.credential == 0).sum()),
        uses=len(uses),
        principals=len(np.unique(uses.principal)),
        principal_days=len(np.unique(uses.principal.astype(np.int64) << 32 | uses.day)),
        incidents=dict(Counter(sent.values()).most_common()),
        shadow=len(shadow - sent.keys()),
        baselines={name: _said_by(name, uses) for name in BASELINES},
    )


def together(streams: Sequence[Noise]) -> Noise:
    """All streams as one; a baseline that is blind on one of them is blind."""
    incidents: Counter[str] = sum((Counter(one.incidents) for one in streams), Counter())
    said = {name: [one.baselines[name] for one in streams] for name in BASELINES}
    return Noise(
        name="all",
        records=sum(one.records for one in streams),
        rejected=sum(one.rejected for one in streams),
        unnamed=sum(one.unnamed for one in streams),
        uses=sum(one.uses for one in streams),
        principals=sum(one.principals for one in streams),
        principal_days=sum(one.principal_days for one in streams),
        incidents=dict(incidents.most_common()),
        shadow=sum(one.shadow for one in streams),
        baselines={name: None if None in counts else sum(filter(None, counts)) for name, counts in said.items()},
    )


def _said_by(name: str, uses: Uses) -> int | None:
    """Incidents of a baseline at its natural point; None for one that needs owners of addresses, which nobody gives."""
    baseline = load_baselines()[name]
    if name == "off_cloud" and not any(uses.providers):
        return None
    score, count = baseline.score(uses), len(uses)
    points = Points.of(
        uses.principal.astype(np.int64), uses.second, uses.second, score,
        np.full(count, BENIGN, np.int32), np.zeros(count, np.int32),
    )  # fmt: skip
    return false_incidents(points.take(points.score > 0), baseline.natural or 0.0)
