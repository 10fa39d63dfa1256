from __future__ import annotations

import datetime as dt

import pytest
import yaml

from detector.alert import Alert, decode, encode
from detector.bundle import Bundle
from detector.decision.alerts import AlertBuilder, moment
from detector.decision.incidents import Incidents, Revision
from detector.detections.base import load_detections
from detector.domain import DAY, KIND_CODE, KINDS, SECOND
from detector.fingerprint.hashing import short_id
from detector.scoring.episode import Candidate
from tests.uses import AWAY, BUNDLE, HOME, HOUR, MINUTE, START, candidate, quanta

DETECTIONS = load_detections()
STRONG = quanta(network=6, client=5)


def revisions(*uses: Candidate) -> list[Revision]:
    incidents = Incidents(BUNDLE, DETECTIONS)
    return [revision for use in uses if (revision := incidents.observe(1, use)) is not None]


def write(revision: Revision, *, active: int = 1, bundle: Bundle = BUNDLE) -> Alert:
    return AlertBuilder(bundle, DETECTIONS, "config-digest").alert(revision, active)


def alert(*uses: Candidate, active: int = 1) -> Alert:
    """The last revision that uses of one principal cause."""
    return write(revisions(*uses)[-1], active=active)


def strong(**columns: object) -> Candidate:
    return candidate(**{"quanta": STRONG, **columns})


# --- identity and time ---------------------------------------------------------------------------------------------


def test_an_alert_is_a_revision_of_its_incident() -> None:
    found = alert(strong())
    assert found.incident_id == found.dedup_key == short_id("111122223333", candidate().principal, "event-1", 0, START)
    assert found.id == short_id(found.incident_id, 0)
    assert (found.revision, found.status, found.is_alert) == (0, "new", True)


def test_every_revision_has_an_id_of_its_own_and_the_incidents_key() -> None:
    incidents = Incidents(BUNDLE, DETECTIONS)
    found = [write(one) for _ in range(40) if (one := incidents.observe(1, strong())) is not None]
    assert [one.revision for one in found] == [0, 1, 2, 3, 4, 5]
    assert len({one.id for one in found}) == 6
    assert len({one.dedup_key for one in found}) == 1


def test_an_alert_survives_its_line_of_json() -> None:
    found = alert(strong(issued_at=START, expires_at=START + HOUR, issuer="arn", session="i-1", address="2001:db8::1"))
    assert decode(encode(found)) == found
    assert b"\n" not in encode(found)


def test_times_are_those_of_the_deciding_use_and_of_the_whole_incident() -> None:
    uses = [strong(time=START + at * MINUTE) for at in (5, 2)]
    found = alert(*uses)
    assert found.time == "2026-01-05T00:02:00Z"
    assert (found.start_time, found.end_time) == ("2026-01-05T00:02:00Z", "2026-01-05T00:05:00Z")


def test_detection_time_is_the_brokers_where_there_is_one() -> None:
    assert alert(strong(append_time=START + 90 * SECOND)).detected_time == "2026-01-05T00:01:30Z"
    assert alert(strong()).detected_time == alert(strong()).time


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (START, "2026-01-05T00:00:00Z"),
        (START + 1, "2026-01-05T00:00:00.000001Z"),
        (START + 250_000, "2026-01-05T00:00:00.250000Z"),
    ],
)
def test_a_moment_is_written_in_utc(time: int, text: str) -> None:
    assert moment(time) == text


# --- what it is about ----------------------------------------------------------------------------------------------


def test_an_alert_speaks_of_the_suspect_use_even_if_the_owners_return_decided() -> None:
    """The thief is seen first, with too little evidence; the owner's next use makes it a return."""
    theft = strong(quanta=quanta(network=4, client=3), native_id="theft")
    owner = strong(
        quanta=quanta(concurrency=4), native_id="owner", address=HOME.address, client=HOME.client, time=START + MINUTE
    )
    found = alert(theft, owner)
    assert found.src.ip == AWAY.address
    assert AWAY.address in found.title
    assert found.time == "2026-01-05T00:01:00Z"
    assert found.evidence.event_ids == ["theft", "owner"]


def test_the_detection_is_the_one_that_rests_on_the_most_trusted_evidence() -> None:
    found = alert(strong(quanta=quanta(network=6, client=5, concurrency=4, binding=5)))
    assert found.detections == ["replay.binding_violation", "replay.concurrent_use", "replay.new_origin"]
    assert (found.detection, found.family) == ("replay.binding_violation", "replay")
    assert found.description == DETECTIONS["replay.binding_violation"].metadata.description
    assert found.runbook_url == "runbook:replay.binding_violation"


def test_the_taxonomy_is_that_of_everything_that_fired() -> None:
    found = alert(strong(quanta=quanta(network=6, client=5, revocation=13))).taxonomy
    assert found.owasp_nhi == ["NHI1", "NHI2", "NHI7"]
    assert found.attack == ["T1078.004", "T1550.001"]


def test_other_credentials_of_the_incident_are_related() -> None:
    found = alert(strong(credential="ASIA1"), strong(credential="ASIA2", quanta=quanta(network=7)))
    assert found.credential.id == "ASIA2"
    assert found.related_credentials == ["ASIA1"]


def test_the_credential_is_described_by_its_kind() -> None:
    key = alert(strong(issuer="")).credential
    assert (key.kind, key.static, key.issuer, key.issued_at, key.expires_at) == (
        "aws.access-key",
        True,
        None,
        None,
        None,
    )
    kind = KIND_CODE["aws.session/instance"]
    session = alert(strong(kind=kind, issuer="sts", issued_at=START, expires_at=START + HOUR)).credential
    assert (session.kind, session.static, session.issuer) == ("aws.session/instance", False, "sts")
    assert (session.issued_at, session.expires_at) == ("2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z")


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_every_kind_of_credential_gets_advice(kind: int) -> None:
    found = alert(strong(kind=kind), active=3).response
    assert found.active_credentials == 3
    assert all((found.recommended, found.handle, found.blast_radius, found.survives))


def test_what_the_log_does_not_say_is_absent() -> None:
    found = alert(strong(account="", address="", region="", client="", expected=candidate().expected))
    assert (found.account, found.src.ip, found.src.region, found.src.asn) == (None, None, None, None)
    assert {one.type for one in found.observables if one.role == "observed"} == {"credential", "action"}


def test_observables_are_what_was_observed_and_what_was_expected() -> None:
    found = {(one.type, one.role): one.value for one in alert(strong()).observables}
    assert found[("ip", "observed")] == AWAY.address
    assert found[("network", "expected")] == "198.51.100.0/24"
    assert found[("client", "expected")] == HOME.client


# --- how sure, how bad ---------------------------------------------------------------------------------------------


def test_confidence_impact_and_risk_are_numbers_that_belong_together() -> None:
    """11 nats against -10: 0.7311; a privileged write is 0.9 of impact."""
    found = alert(strong(action="iam:CreateAccessKey"))
    assert (found.confidence, found.impact, found.risk, found.severity) == (0.7311, 0.9, 0.658, "high")
    assert found.calibrated is False


@pytest.mark.parametrize(("nats", "tier"), [(5.0, "queue"), (6.19, "queue"), (6.2, "page")])
def test_the_tier_follows_confidence(nats: float, tier: str) -> None:
    """0.9 needs ln 9 = 2.197 nats above the prior's 10."""
    assert alert(strong(quanta=quanta(network=nats, client=6))).tier == tier


def test_the_reasons_add_up_to_the_score() -> None:
    found = alert(strong(quanta=quanta(network=6.25, client=4.5, concurrency=3.5, binding=12, path=0.25)))
    assert sum(reason.contribution for reason in found.reasons) == 26.25
    assert found.reasons[0].facet == "binding"


def test_learning_says_how_much_is_known() -> None:
    found = alert(strong(baseline_seconds=5 * 86_400 + 43_200, cold=True)).learning
    assert (found.baseline_age_days, found.cold_start) == (5.5, True)


# --- evidence ------------------------------------------------------------------------------------------------------


def test_at_most_a_hundred_events_are_listed_and_all_are_counted() -> None:
    found = alert(*(strong(native_id=f"event-{at}", ref=f"log:{at}", time=START + at) for at in range(128)))
    assert found.evidence.event_ids == [f"event-{at}" for at in range(100)]
    assert found.evidence.source_refs == [f"log:{at}" for at in range(100)]
    assert (found.evidence.event_count, found.evidence.truncated) == (128, True)
    assert found.evidence.last_time == moment(START + 127)


def test_a_hundred_events_are_not_truncated() -> None:
    found = alert(*(strong(native_id=f"event-{at}") for at in range(64)))
    assert (len(found.evidence.event_ids), found.evidence.event_count, found.evidence.truncated) == (64, 64, False)


def test_the_timeline_lists_contexts_in_the_order_of_their_beginning() -> None:
    found = [(one.context, one.role, one.first_time[11:16]) for one in alert(strong()).timeline]
    assert found == [
        ("198.51.100.7 with boto3/1 linux", "expected", "00:00"),
        ("192.0.2.66 with aws-cli/2 linux", "observed", "00:01"),
    ]


# --- closing, silence, provenance ----------------------------------------------------------------------------------


def test_a_closed_incident_says_why_and_pages_nobody() -> None:
    incidents = Incidents(BUNDLE, DETECTIONS)
    incidents.observe(1, strong())
    (revision,) = incidents.close(START + 2 * DAY)
    found = write(revision)
    assert (found.status, found.is_alert, found.close_reason) == ("closed", False, "inactive for 24 h")
    assert found.revision == 1
    assert alert(strong()).close_reason is None


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::111122223333:user/svc/backup",
        "role/it's",
        'say "x"',
        "back\\slash",
        "{a: b} # c, *d",
        "line\nbreak\ttab\x1b[31m\x7f\x85",
        "Zürich \U0001f511",
        "- x: [",
        "null",
    ],
)
def test_the_silence_is_yaml_that_names_exactly_this_principal(principal: str) -> None:
    (entry,) = yaml.safe_load(alert(strong(principal=principal)).silence)
    assert entry["match"] == {"realm": "111122223333", "principal": principal, "detection": "replay.new_origin"}


def test_the_silence_ends_a_week_after_the_last_use_and_asks_for_reason_and_owner() -> None:
    (entry,) = yaml.safe_load(alert(strong()).silence)
    assert entry["until"] == dt.date(2026, 1, 12)
    assert (entry["reason"], entry["owner"]) == (None, None)


def test_an_alert_says_what_made_it() -> None:
    found = alert(strong()).detector
    assert (found.bundle, found.config, found.detection_version) == ("by-hand@000000000000", "config-digest", "1")
    assert found.version


@pytest.mark.parametrize(("provider", "number"), [("AS64500", 64500), ("hosting-7", None), ("ASN", None), ("", None)])
def test_an_alert_says_where_it_happened_whom_to_ask_and_whose_the_address_is(
    provider: str, number: int | None
) -> None:
    found = alert(strong(provider=provider, environment="production", owner="payments"))

    assert (found.environment, found.owner, found.src.asn) == ("production", "payments", number)
    observed = [one.value for one in found.observables if (one.type, one.role) == ("provider", "observed")]
    assert observed == ([provider] if provider else [])
    assert (alert(strong()).environment, alert(strong()).owner) == (None, None)
