from __future__ import annotations

import json

import pytest

from detector.decode import DeadLetter
from detector.runtime.dead_letters import dead_record, encode


def letter(offset: int = 3, detail: str = "expected an object") -> DeadLetter:
    return DeadLetter("raw/0", offset, 2, "not_an_object", detail, "ab" * 16, 5)


SAID = {
    "stream": "raw/0", "offset": 3, "record": 2, "reason": "not_an_object", "detail": "expected an object",
    "digest": "ab" * 16, "size": 5,
}  # fmt: skip


def test_a_letter_says_where_the_reject_stood_why_it_was_refused_and_its_hash() -> None:
    assert json.loads(encode(letter())) == SAID


def test_the_record_of_a_letter_says_also_which_role_refused_it() -> None:
    record = dead_record("dead-letters", "ingest", letter())
    assert record.topic == "dead-letters"
    assert json.loads(record.value or b"") == {"role": "ingest", **SAID}


def test_letters_of_one_partition_stay_in_order() -> None:
    assert dead_record("dead-letters", "ingest", letter()).key == b"raw/0"
    assert dead_record("dead-letters", "ingest", letter()).partition is None


@pytest.mark.parametrize("detail", ["found 'a\nb'", "found '\u2028'", "found 'é'"])
def test_a_letter_is_one_line_whatever_was_found(detail: str) -> None:
    for line in (encode(letter(detail=detail)), dead_record("dead-letters", "ingest", letter(detail=detail)).value):
        assert line is not None
        assert b"\n" not in line
        assert json.loads(line)["detail"] == detail


def test_a_lone_surrogate_which_no_text_may_hold_is_written_as_its_code() -> None:
    for line in (encode(letter(detail="\ud800")), dead_record("dead-letters", "x", letter(detail="\ud800")).value):
        assert json.loads(line or b"")["detail"] == "\\ud800"
