from __future__ import annotations

import msgspec
import pytest

from detector.alert import SCHEMA, decode, encode, to_builtins
from tests.alerts import alert

# The contract, written down once more: fields are added, never renamed or removed.
FIELDS = (
    "schema kind id incident_id revision campaign_id dedup_key status time start_time end_time detected_time family "
    "detection detections title description severity tier is_alert confidence calibrated risk impact realm account "
    "environment owner actor_class credential related_credentials src observables evidence reasons timeline taxonomy "
    "response learning verdict close_reason runbook_url silence detector"
)
PARTS = {
    "credential": "id kind principal issuer static issued_at expires_at",
    "src": "ip asn region",
    "evidence": "event_ids event_count truncated first_time last_time source_refs",
    "taxonomy": "owasp_nhi attack",
    "response": "recommended handle blast_radius active_credentials reversible survives",
    "learning": "baseline_age_days cold_start",
    "detector": "version bundle config detection_version",
}


def test_the_fields_of_the_contract_are_all_there_in_their_order() -> None:
    plain = to_builtins(alert())

    assert list(plain) == FIELDS.split()
    assert {part: list(plain[part]) for part in PARTS} == {part: names.split() for part, names in PARTS.items()}
    assert plain["schema"] == SCHEMA == "detector.alert/1"


def test_decoding_is_the_inverse_of_encoding() -> None:
    assert decode(encode(alert())) == alert()


@pytest.mark.parametrize("field", ["id", "incident_id", "credential", "severity", "reasons"])
def test_an_alert_without_a_field_that_matters_is_refused(field: str) -> None:
    plain = to_builtins(alert())
    del plain[field]

    with pytest.raises(msgspec.ValidationError, match=field):
        decode(msgspec.json.encode(plain))


def test_a_severity_outside_the_five_words_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="severity"):
        decode(encode(alert(severity="apocalyptic")))


def test_an_alert_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        alert().severity = "low"  # type: ignore[misc]
