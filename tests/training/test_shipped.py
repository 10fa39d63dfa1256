from __future__ import annotations

import json
from typing import Any

from detector.simulate.arrivals import Record
from detector.training.corpora import CLOUDTRAIL
from detector.training.shipped import read, run
from tests.training.made_corpora import call


def records(calls: list[dict[str, Any]]) -> list[Record]:
    return [Record(CLOUDTRAIL, 0, json.dumps(one).encode()) for one in calls]


def test_records_of_files_come_in_order_of_event_time_and_say_where_they_stood() -> None:
    times = ["2026-03-02T12:00:09Z", "2026-03-02T12:00:01Z", "2026-03-02T12:00:05Z"]
    decoded = read([*records([call("s3:GetObject", time) for time in times]), Record(CLOUDTRAIL, 0, b"{}")])
    assert decoded.batch.ref_offset.tolist() == [1, 2, 0]
    assert decoded.batch.raw_offset.tolist() == [0, 1, 2]
    assert decoded.rejected == 1


def test_a_key_that_suddenly_comes_from_elsewhere_is_told_of_and_one_that_does_not_is_not() -> None:
    days = [f"2026-03-{day:02}T{hour:02}:00:00Z" for day in range(2, 8) for hour in range(0, 24, 4)]
    usual = [
        call("s3:GetObject", time, key, userAgent="Boto3/1.35.3")
        for time in days
        for key in ("AKIAONEEXAMPLE", "AKIATWOEXAMPLE")
    ]
    stolen = [
        call("s3:GetObject", f"2026-03-08T00:{at:02}:00Z", "AKIAONEEXAMPLE", sourceIPAddress=address, userAgent=agent)
        for at, (address, agent) in enumerate([("203.0.113.9", "curl/8.10.1"), ("198.51.100.7", "Boto3/1.35.3")] * 4)
    ]
    told = [one.alert for one in run(read(records(usual + stolen)).slices()) if one.sends]
    assert {alert.credential.principal.rpartition("/")[2] for alert in told} == {"AKIAONEEXAMPLE"}
