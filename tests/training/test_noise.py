from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec

from detector.simulate.arrivals import Record
from detector.training.corpora import CLOUDTRAIL, Stream
from detector.training.noise import BASELINES, listen, together
from tests.training.made_corpora import call


def stream(*calls: dict[str, Any]) -> Stream:
    return Stream("made-up", tuple(Record(CLOUDTRAIL, 0, json.dumps(one).encode()) for one in calls))


def test_principal_days_are_days_on_which_a_principal_did_something() -> None:
    found = listen(
        stream(
            call("s3:GetObject", "2026-03-02T12:00:00Z"),
            call("s3:GetObject", "2026-03-02T13:00:00Z"),
            call("s3:GetObject", "2026-03-04T12:00:00Z"),
            call("s3:GetObject", "2026-03-04T12:00:01Z", "AKIAOTHEREXAMPLE"),
        )
    )
    assert (found.records, found.uses, found.principals, found.principal_days) == (4, 4, 2, 3)


def test_what_names_no_credential_is_counted_and_nobodys_to_judge() -> None:
    nobody = call("s3:GetObject", "2026-03-02T12:00:00Z", userIdentity={"type": "IAMUser", "userName": "somebody"})
    found = listen(stream(nobody, {"eventSource": "s3.amazonaws.com"}))
    assert (found.unnamed, found.uses, found.rejected) == (1, 0, 1)


def test_a_baseline_counts_incidents_and_one_that_needs_owners_of_addresses_is_blind() -> None:
    hop = [
        call("s3:GetObject", f"2026-03-{day:02}T12:00:{at:02}Z", sourceIPAddress=f"198.51.100.{at}")
        for day in (2, 4)
        for at in range(9)
    ]
    found = listen(stream(*hop))
    assert found.baselines == {"new_terms_address": 1, "first_address": 0, "off_cloud": None}
    moved = [one | {"sourceIPAddress": "203.0.113.1"} for one in hop[9:]]
    assert listen(stream(*hop[:9], *moved)).baselines["new_terms_address"] == 2
    assert set(found.baselines) == set(BASELINES)


def test_streams_add_up() -> None:
    one = listen(stream(call("s3:GetObject", "2026-03-02T12:00:00Z")))
    loud = msgspec.structs.replace(one, incidents={"replay.new_origin": 2}, shadow=1)
    every = together([one, loud, loud])
    assert (every.name, every.records, every.principal_days, every.shadow) == ("all", 3, 3, 2)
    assert every.incidents == {"replay.new_origin": 4}
    assert every.baselines == {"new_terms_address": 3, "first_address": 0, "off_cloud": None}


def test_the_same_stream_says_the_same_in_any_order_of_its_lines() -> None:
    calls = [call("s3:GetObject", f"2026-03-02T12:00:{at:02}Z") for at in range(9)]
    forth = stream(*calls)
    assert listen(replace(forth, records=forth.records[::-1])) == listen(forth)
