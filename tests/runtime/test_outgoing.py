from __future__ import annotations

from urllib.parse import unquote

import msgspec
import pytest

from detector.alert import encode
from detector.runtime.outgoing import outgoing
from tests.alerts import alert


def test_the_value_is_the_alert_and_the_key_its_incident() -> None:
    sent = alert(id="A1", incident_id="I1")
    record = outgoing("alerts", sent)
    assert (record.topic, record.key, record.value) == ("alerts", b"I1", encode(sent))
    assert record.partition is None, "the key decides: revisions of an incident stay in order"


def test_headers_are_the_cloudevents_attributes_of_the_alert() -> None:
    record = outgoing("alerts", alert(id="A1", realm="111122223333", time="2026-01-05T10:00:00Z"))
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"A1",
        "ce_type": b"detector.alert.1",
        "ce_source": b"111122223333",
        "ce_time": b"2026-01-05T10:00:00Z",
        "ce_subject": b"arn:aws:iam::111122223333:role/web/app%23instance",
        "content-type": b"application/json",
    }


def test_an_attribute_without_a_value_is_left_out() -> None:
    credential = msgspec.structs.replace(alert().credential, principal="")
    assert "ce_subject" not in dict(outgoing("alerts", alert(credential=credential)).headers)


@pytest.mark.parametrize("text", ["prod cluster", "a\nce_id: forged", "réalm", "\x00"])
def test_a_realm_or_principal_that_is_no_uri_is_percent_encoded(text: str) -> None:
    credential = msgspec.structs.replace(alert().credential, principal=text)
    headers = dict(outgoing("alerts", alert(realm=text, credential=credential)).headers)
    for name in ("ce_source", "ce_subject"):
        shown = headers[name].decode("ascii")
        assert unquote(shown) == text
        assert shown.isprintable()
        assert " " not in shown
