"""What every encoder promises, checked for every file of `detector/encoders/`."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import encoders
from detector.alert import SEVERITIES, SourceEndpoint
from detector.encoders.base import Encoder
from detector.errors import RecordError
from detector.registry import members
from tests.alerts import alert

ENCODERS = members(encoders, Encoder)
every_encoder = pytest.mark.parametrize("encoder", [make() for make in ENCODERS.values()], ids=list(ENCODERS))


def test_there_are_encoders() -> None:
    assert "native" in ENCODERS


@every_encoder
def test_it_says_what_it_makes(encoder: Encoder) -> None:
    assert encoder.title
    assert "/" in encoder.content_type


@every_encoder
@given(
    title=st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    severity=st.sampled_from(SEVERITIES),
    confidence=st.floats(0, 1),
    asn=st.none() | st.integers(0, 2**32 - 1),
)
def test_nothing_is_lost_on_the_way(
    encoder: Encoder, title: str, severity: str, confidence: float, asn: int | None
) -> None:
    given_alert = alert(title=title, severity=severity, confidence=confidence, src=SourceEndpoint(asn=asn))

    message = encoder.encode(given_alert)

    assert encoder.decode(message) == given_alert
    assert encoder.encode(msgspec.structs.replace(given_alert)) == message
    assert not message.endswith(b"\n")


@every_encoder
@given(st.binary() | st.sampled_from([b"", b"{}", b"[]", b"null", b"[" * 5_000, b'{"x":' + b"[" * 100_000, b"\xff"]))
def test_bytes_that_are_no_alert_are_refused_by_reason(encoder: Encoder, message: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        encoder.decode(message)
    assert caught.value.reason == "not_an_alert"
