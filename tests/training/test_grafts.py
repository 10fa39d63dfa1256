from __future__ import annotations

import json

import pytest

from detector.simulate.arrivals import Record
from detector.training.corpora import CLOUDTRAIL, Case
from detector.training.grafts import Graft, graft_all, grafted
from detector.training.recordings import PLACES, VICTIMS, Recording, recording_of
from tests.training.made_corpora import technique


@pytest.fixture(scope="module")
def recording() -> Recording:
    records = tuple(Record(CLOUDTRAIL, 0, json.dumps(one).encode()) for one in technique())
    found = recording_of(Case("stratus", "made-up", records, (True,) * len(records)))
    assert found is not None
    return found


def test_every_victim_has_an_outcome_and_the_same_fleet_the_same_ones(recording: Recording) -> None:
    small = {"principals": 120.0, "days": 9.0}
    outcomes = graft_all([recording], 0, **small)
    assert [one.place for one in outcomes] == [place for place in PLACES.values() for _ in range(VICTIMS)]
    assert outcomes == graft_all([recording], 0, **small)
    for one in outcomes:
        assert 0 <= one.uses <= len(recording.steps)
        assert bool(one.uses) == bool(one.detections)
        assert one.shadow or not one.uses


def test_lines_count_what_was_sent_and_what_shadow_would_add(recording: Recording) -> None:
    cloud, workload = PLACES["S1"], PLACES["S3"]
    outcomes = [
        Graft("made-up", cloud, 1, shadow=True, detections=("replay.new_origin",)),
        Graft("made-up", cloud, 3, shadow=True, detections=("replay.new_origin", "scope.new_action")),
        Graft("made-up", workload, 0, shadow=True, detections=()),
        Graft("made-up", workload, 0, shadow=False, detections=()),
    ]
    line, every = grafted([recording], outcomes)
    assert (line.technique, every.technique) == ("made-up", "all")
    assert {place: (share.hits, share.of) for place, share in line.found.items() if share.of} == {
        cloud: (2, 2),
        workload: (0, 2),
    }
    assert line.with_shadow[workload].hits == 1
    assert line.uses.median == 2.0
    assert line.detections == {"replay.new_origin": 2, "scope.new_action": 1}
    assert every.found == line.found


def test_without_a_recording_there_is_no_line() -> None:
    assert grafted([], []) == ()
