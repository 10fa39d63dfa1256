from __future__ import annotations

from typing import Any

import pytest

from detector.diagnose import problems_of
from detector.locate import read_text

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "mode": {"enum": ["alert", "shadow"]},
        "port": {"type": "integer", "minimum": 1, "maximum": 9},
        "name": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]},
        "switch": {"type": "boolean"},
        "parts": {"type": "object", "propertyNames": {"enum": ["left", "right"]}},
        "token": {"type": "string", "writeOnly": True},
        "tokens": {"type": "array", "items": {"type": "string", "writeOnly": True}},
        "rate": {"type": "number"},
        "code": {"type": "string", "pattern": "^[a-z]$", "description": "one letter"},
        "digit": {"type": "string", "pattern": "^[0-9]$"},
        "by_code": {"type": "object", "propertyNames": {"pattern": "^[a-z]$", "description": "one letter"}},
    },
}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mode: shadwo", "f:1:7: mode: expected one of alert, shadow, found the text 'shadwo'; did you mean shadow?"),
        ("mode: zzz", "f:1:7: mode: expected one of alert, shadow, found the text 'zzz'; known: alert, shadow"),
        ("prot: 1", "f:1:1: prot is no setting; did you mean port?"),
        ("port: 0", "f:1:7: port: expected at least 1, found the number 0"),
        ("port: 10", "f:1:7: port: expected at most 9, found the number 10"),
        ("port: true", "f:1:7: port: expected a whole number, found true"),
        ("port:", "f:1:6: port: expected a whole number, found nothing"),
        ("switch: {}", "f:1:9: switch: expected true or false, found a section of keys"),
        ("name: 5", "f:1:7: name: expected a text or nothing, found the number 5"),
        ("parts: {lfet: 1}", "f:1:9: parts.lfet is unknown; did you mean left?"),
        ("token: 5", "f:1:8: token: expected a text, found a secret that does not fit"),
        ("tokens: s3cret", "f:1:9: tokens: expected a list, found a secret that does not fit"),
        ("tokens: [5]", "f:1:10: tokens.0: expected a text, found a secret that does not fit"),
        ("parts: s3cret", "f:1:8: parts: expected a section of keys, found a text"),
        ("rate: x", "f:1:7: rate: expected a number, found the text 'x'"),
        ("code: xy", "f:1:7: code: expected one letter, found the text 'xy'"),
        ("digit: x", "f:1:8: digit: expected a text like ^[0-9]$, found the text 'x'"),
        ("by_code: {xy: 1}", "f:1:11: by_code: expected one letter, found the text 'xy'"),
        ("[1]", "f:1:1: settings: expected a section of keys, found a list"),
    ],
)
def test_a_problem_says_where_what_was_expected_and_what_was_found(text: str, problem: str) -> None:
    assert problems_of(read_text(text, "f"), SCHEMA) == [problem]


def test_problems_come_in_the_order_of_the_lines_not_of_their_digits() -> None:
    text = "\n" * 8 + "port: 0\nmode: x\n"

    assert [line.split(": ")[0] for line in problems_of(read_text(text, "f"), SCHEMA)] == ["f:9:7", "f:10:7"]


def test_a_good_document_has_no_problem() -> None:
    assert problems_of(read_text("mode: alert\nname: null\nport: 3\n", "f"), SCHEMA) == []
