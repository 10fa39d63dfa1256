from __future__ import annotations

import json

import pytest

from detector.encoders.native import Native
from detector.errors import RecordError
from tests.alerts import alert


def test_a_message_is_one_line_of_json_that_names_its_schema() -> None:
    message = Native().encode(alert(title="two\nlines"))

    assert b"\n" not in message
    assert json.loads(message)["schema"] == "detector.alert/1"
    assert json.loads(message)["title"] == "two\nlines"


def test_a_message_of_another_version_is_refused() -> None:
    message = Native().encode(alert(schema="detector.alert/2"))

    with pytest.raises(RecordError, match=r"expected schema detector\.alert/1, found 'detector\.alert/2'"):
        Native().decode(message)


def test_fields_a_newer_version_added_are_passed_over() -> None:
    message = Native().encode(alert()).replace(b'{"schema"', b'{"added_later":1,"schema"')

    assert Native().decode(message) == alert()
