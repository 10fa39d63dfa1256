from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from detector.simulate.arrivals import Record
from detector.simulate.call import BENIGN, Call
from detector.simulate.fleet import Fleet
from detector.simulate.truth import Theft
from detector.training.corpora import CLOUDTRAIL, Case
from detector.training.recordings import VICTIMS, Recording, fleet_of, recording_of
from tests.training.made_corpora import ACCOUNT, call, technique


def case(calls: Sequence[dict[str, object]]) -> Case:
    records = tuple(Record(CLOUDTRAIL, 0, json.dumps(one).encode()) for one in calls)
    return Case("stratus", "made-up", records, (True,) * len(records))


@pytest.fixture(scope="module")
def recording() -> Recording:
    found = recording_of(case(technique()))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def fleet(recording: Recording) -> Fleet:
    return fleet_of([recording], 0, principals=120.0, days=9.0)


def calls_of(fleet: Fleet, theft: Theft) -> list[Call]:
    """In the order in which they were made, which one second does not tell."""
    ids = {event_id: at for at, event_id in enumerate(theft.event_ids)}
    return sorted((one for one in fleet.calls if one.event_id in ids), key=lambda one: (one.second, one.event_id))


def test_operations_gaps_errors_and_keys_are_kept(recording: Recording) -> None:
    assert [(one.after, one.key, one.action.text, one.error, one.assumes) for one in recording.steps] == [
        (0, 0, "sts:AssumeRole", "AccessDenied", 0),
        (5, 0, "sts:AssumeRole", "", 1),
        (6, 0, "ssm:DescribeInstanceInformation", "", 0),
        (9, 1, "s3:ListBuckets", "", 0),
    ]


def test_lines_of_a_file_are_played_in_order_of_their_time() -> None:
    forth, back = recording_of(case(technique())), recording_of(case(technique()[::-1]))
    assert forth is not None
    assert back is not None
    assert [replace(one, key=0, assumes=0) for one in back.steps] == [
        replace(one, key=0, assumes=0) for one in forth.steps
    ]


def test_nobody_steals_a_key_from_a_call_without_one() -> None:
    signed_in = call("signin:ConsoleLogin", "2026-03-02T12:00:00Z", userIdentity={"type": "IAMUser"})
    assert recording_of(case([signed_in])) is None


def test_every_place_has_its_victims_with_a_week_of_history(fleet: Fleet) -> None:
    assert len(fleet.thefts) == 3 * VICTIMS
    assert len({theft.principals[0] for theft in fleet.thefts}) == 3 * VICTIMS
    for theft in fleet.thefts:
        assert theft.seconds[0] >= fleet.start + 7 * 86_400


def test_what_was_recorded_happens_with_the_gaps_it_had(fleet: Fleet, recording: Recording) -> None:
    for theft in fleet.thefts:
        done = calls_of(fleet, theft)
        assert [one.action.text for one in done] == [one.action.text for one in recording.steps]
        assert [one.second - done[0].second for one in done] == [one.after for one in recording.steps]
        assert [one.error for one in done] == [one.error for one in recording.steps]


def test_the_session_of_the_recording_is_assumed_in_the_fleet_and_then_used(fleet: Fleet) -> None:
    for theft in fleet.thefts:
        done = calls_of(fleet, theft)
        issued = json.loads(done[1].response)["credentials"]["accessKeyId"]
        assert json.loads(done[3].caller.render(done[3]))["userIdentity"]["accessKeyId"] == issued
        assert issued.endswith("EXAMPLE")


def test_nothing_of_where_it_was_recorded_is_left(fleet: Fleet) -> None:
    stolen = [one.caller.render(one) for theft in fleet.thefts for one in calls_of(fleet, theft)]
    assert stolen
    for word in (ACCOUNT, "198.51.100.7", "stratus", "MADEUP"):
        assert not [record for record in stolen if word.encode() in record]


def test_a_thief_in_the_victims_workload_has_its_client_and_others_do_not_have_its_place(fleet: Fleet) -> None:
    for theft in fleet.thefts:
        own = [one for one in fleet.calls if one.theft == BENIGN and id(one.caller) in owners(fleet, theft)]
        first = calls_of(fleet, theft)[0].context
        addresses, clients = {one.context.address for one in own}, {one.context.client for one in own}
        if theft.stealth == "S3":
            assert first.client in clients
        else:
            assert first.address not in addresses


def owners(fleet: Fleet, theft: Theft) -> set[int]:
    return {caller for caller, owner in fleet.callers.items() if owner.name == theft.principals[0]}
