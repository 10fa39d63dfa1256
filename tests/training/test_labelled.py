from __future__ import annotations

import json
from typing import Any

from detector.simulate.arrivals import Record
from detector.training.corpora import CLOUDTRAIL, Case
from detector.training.labelled import Labelled, label
from tests.training.made_corpora import call, session, technique

DAY = "2026-03-02"


def judged(*calls: tuple[dict[str, Any], bool]) -> Labelled:
    records = tuple(Record(CLOUDTRAIL, 0, json.dumps(one).encode()) for one, _ in calls)
    return label(Case("made-up", "case", records, tuple(attack for _, attack in calls)))


def at(minute: int, second: int = 0) -> str:
    return f"{DAY}T12:{minute:02}:{second:02}Z"


def test_a_sensitive_call_by_a_key_that_nobody_has_met_is_not_knowable_and_nothing_fires() -> None:
    found = judged((call("cloudtrail:StopLogging", at(0)), True))
    assert (found.attack, found.scored, found.credentials) == (1, 1, 1)
    assert (found.knowable, found.fired, found.shadow, found.false) == ((), {}, {}, 0)
    assert not found.says


def test_a_day_of_own_history_makes_an_attack_knowable_and_an_hour_does_not() -> None:
    attack = call("cloudtrail:StopLogging", at(0))
    assert judged((call("s3:GetObject", "2026-03-01T11:00:00Z"), False), (attack, True)).knowable == ("history",)
    assert judged((call("s3:GetObject", f"{DAY}T11:00:00Z"), False), (attack, True)).knowable == ()
    other = call("s3:GetObject", "2026-03-01T11:00:00Z", "AKIAOTHEREXAMPLE")
    assert judged((other, False), (attack, True)).knowable == ()


def test_a_key_that_was_withdrawn_before_is_knowable() -> None:
    withdrawn = call(
        "iam:DeleteAccessKey", at(0), "AKIAADMINEXAMPLE",
        requestParameters={"accessKeyId": "AKIAMADEUPEXAMPLE", "userName": "AKIAMADEUPEXAMPLE"},
    )  # fmt: skip
    assert judged((withdrawn, False), (call("s3:ListBuckets", at(5)), True)).knowable == ("end",)
    assert judged((withdrawn, False), (call("s3:ListBuckets", f"{DAY}T11:00:00Z"), True)).knowable == ()


def test_the_key_of_one_instance_at_two_addresses_is_knowable() -> None:
    here = session("ASIAMADEUPEXAMPLE", "s3:GetObject", at(0), session="i-0123456789abcdef0")
    there = session(
        "ASIAMADEUPEXAMPLE", "s3:GetObject", at(5), session="i-0123456789abcdef0", sourceIPAddress="203.0.113.9"
    )
    assert judged((here, False), (there, True)).knowable == ("binding",)
    assert judged((here, False), (here | {"eventID": "again"}, True)).knowable == ()


def test_five_different_refusals_in_an_hour_are_knowable_and_a_retry_is_not() -> None:
    refused = [
        (call(f"s3:{name}", at(minute), errorCode="AccessDenied"), True)
        for minute, name in enumerate(("ListBuckets", "GetObject", "PutObject", "DeleteObject", "GetBucketAcl"))
    ]
    retried = [(call("s3:ListBuckets", at(minute), errorCode="AccessDenied"), True) for minute in range(5)]
    assert judged(*refused).knowable == ("refusals",)
    assert judged(*refused[:4]).knowable == ()
    assert judged(*retried).knowable == ()


def test_what_fires_is_told_with_the_use_it_fired_at() -> None:
    usual = [
        (call("s3:GetObject", f"2026-02-{day:02}T{hour:02}:00:00Z", userAgent="Boto3/1.35.3"), False)
        for day in range(20, 27)
        for hour in range(0, 24, 4)
    ]
    theft = [
        (
            call(f"iam:{name}", f"2026-02-27T12:00:{second:02}Z", sourceIPAddress="203.0.113.9", userAgent="curl/8.10"),
            True,
        )
        for second, name in enumerate(("ListUsers", "ListRoles", "CreateUser", "CreateAccessKey"))
    ]
    found = judged(*usual, *theft)
    assert found.knowable == ("history",)
    assert set(found.fired) >= {"replay.new_origin"}
    assert all(1 <= use <= 4 for use in found.fired.values())
    assert not set(found.shadow) & set(found.fired)


def test_records_that_cannot_be_read_are_counted_and_not_judged() -> None:
    broken = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "soon"}
    found = judged((broken, True), *((one, True) for one in technique()))
    assert (found.records, found.rejected, found.attack, found.scored) == (5, 1, 5, 4)
