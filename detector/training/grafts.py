"""Recorded attacks on simulated victims, judged: found, by what, and after how many malicious uses."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from detector.alert import Alert
from detector.simulate import arrivals
from detector.simulate.tenant import truth_of
from detector.simulate.truth import Theft
from detector.training.corpora import CLOUDTRAIL
from detector.training.decoded import decode, uses_of
from detector.training.figures import Share, Spread
from detector.training.ground import Ground
from detector.training.points import BENIGN
from detector.training.recordings import PLACES, Recording, fleet_of
from detector.training.shipped import run

FLEETS: Final = 5  # each with two victims of every recording and place
FLEET: Final = {"principals": 700.0, "days": 10.0}  # one in six is robbed


class Grafted(msgspec.Struct, frozen=True):
    """One recording on simulated victims, by place of the thief: `found`, and what would be if nothing were in shadow.

    `uses` are malicious uses up to the alert (those of one second together), `detections` what stood behind it.
    """

    technique: str
    steps: int
    found: dict[str, Share]
    with_shadow: dict[str, Share]
    uses: Spread
    detections: dict[str, int]


class Graft(msgspec.Struct, frozen=True):
    """One graft as it came out; `uses` malicious uses up to the alert, 0 = none was sent; `shadow` = one was made."""

    technique: str
    place: str
    uses: int
    shadow: bool
    detections: tuple[str, ...]


def graft_all(recordings: Sequence[Recording], number: int, **chosen: float) -> list[Graft]:
    """Every recording from every place in fleet `number`, in a process of its own."""
    fleet = fleet_of(recordings, number, **(chosen or FLEET))
    truth = truth_of(fleet)
    everything = arrivals.records(arrivals.deliver(fleet))
    decoded = decode(one for one in everything if one.log == CLOUDTRAIL)  # where all victims are
    ground = Ground.of(decoded, uses_of(decoded), truth)
    sent, made = dict[int, Alert](), set[int]()
    for emission in run(decoded.slices()):
        ids = emission.alert.evidence.event_ids
        for index in {int(ground.behind[ground.row_of[one]]) for one in ids if one in ground.row_of} - {BENIGN}:
            made.add(index)
            if emission.sends:
                sent.setdefault(index, emission.alert)
    return [_outcome(theft, sent.get(theft.index), made=theft.index in made) for theft in truth.thefts]


def _outcome(theft: Theft, alert: Alert | None, *, made: bool) -> Graft:
    place = PLACES[theft.stealth]
    if alert is None:
        return Graft(theft.scenario, place, 0, made, ())
    uses = bisect_right(theft.seconds, datetime.fromisoformat(alert.time).timestamp())
    return Graft(theft.scenario, place, max(1, uses), made, tuple(alert.detections))


def grafted(recordings: Sequence[Recording], outcomes: Sequence[Graft]) -> tuple[Grafted, ...]:
    """One line a recording, and one for all; nothing of nothing."""
    lines = [
        (one.technique, len(one.steps), [g for g in outcomes if g.technique == one.technique]) for one in recordings
    ]
    every = ("all", sum(steps for _, steps, _ in lines), list(outcomes))
    return tuple(_line(*one) for one in (*lines, every)) if lines else ()


def _line(technique: str, steps: int, outcomes: Sequence[Graft]) -> Grafted:
    told = [one for one in outcomes if one.uses]
    by_place = {place: [one for one in outcomes if one.place == place] for place in PLACES.values()}
    return Grafted(
        technique,
        steps,
        {place: Share.counted([one.uses > 0 for one in mine]) for place, mine in by_place.items()},
        {place: Share.counted([one.shadow for one in mine]) for place, mine in by_place.items()},
        Spread.of([one.uses for one in told]),
        dict(Counter(name for one in told for name in one.detections).most_common()),
    )
