"""What an analyst reads of a use, taken out of the columns: through the path, for words need all of it."""

from __future__ import annotations

from functools import cache

from detector.detections.base import load_detections
from detector.domain import DAY, KIND_CODE, Activity, ActorClass, Outcome, UseRow
from detector.fingerprint.actions import PRIVILEGED, READ
from detector.pipeline import Configuration, Pipeline
from detector.scoring.episode import Candidate
from detector.scoring.evidence import CLIENT, CONCURRENCY, NETWORK, REVOCATION
from tests.uses import BUNDLE, CLI, HOUR, MINUTE, NAT, SECOND, START, batch_of, history, use, varied

DAY_EIGHT = START + 7 * DAY
THEFT = {
    "address": "192.0.2.66", "client": CLI, "native_id": "theft", "use_index": 2, "ref_stream": "logs/a.json.gz",
    "ref_offset": 41, "action": "iam:CreateAccessKey", "region": "us-east-1", "account": "444455556666",
    "outcome": Outcome.FAILED, "channel": "console", "delivery": "1.0", "issuer": "an issuer",
}  # fmt: skip


def candidates(*rows: UseRow) -> list[Candidate]:
    """The candidates among rows that follow a week of history, as their incident holds them."""
    peers = [varied(row, principal=f"peer-{peer}", credential=f"K{peer}") for peer in range(3) for row in history(1)]
    before = sorted([*history(), *peers], key=lambda row: row.time)
    numbered = [
        varied(row, native_id=row.native_id or f"event-{at}", raw_offset=at) for at, row in enumerate([*before, *rows])
    ]
    pipeline = Pipeline(BUNDLE, Configuration.of(load_detections()))
    pipeline.process(batch_of(numbered))
    return [one for incident in pipeline._incidents.open.values() for one in incident.uses]


@cache
def theft() -> Candidate:
    (found,) = candidates(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **THEFT))
    return found


def test_a_candidate_says_what_the_log_said() -> None:
    one = theft()
    assert (one.native_id, one.use_index, one.time) == ("theft", 2, DAY_EIGHT + HOUR)
    assert (one.realm, one.account, one.principal) == ("111122223333", "444455556666", use(0).principal)
    assert (one.credential, one.issuer, one.session) == ("AKIAEXAMPLE0000000", "an issuer", "")
    assert (one.address, one.region, one.channel) == ("192.0.2.66", "us-east-1", "console")
    assert one.action == "iam:CreateAccessKey"
    assert (one.kind, one.actor_class) == (KIND_CODE["aws.access-key"], ActorClass.WORKLOAD)


def test_a_candidate_can_be_found_in_its_stream() -> None:
    assert theft().ref == "logs/a.json.gz:41"
    found = candidates(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **{**THEFT, "ref_stream": ""}))
    assert [one.ref for one in found] == [""]


def test_facets_are_in_words_and_not_as_logged() -> None:
    one = theft()
    assert one.prefix == "192.0.2.0/24"
    assert one.client.startswith("aws-cli/2")
    assert "kali" not in one.client


def test_the_evidence_is_that_of_the_row() -> None:
    one = theft()
    assert min(one.quanta[NETWORK], one.quanta[CLIENT]) > 4 * NAT
    assert one.quanta[CONCURRENCY] == one.quanta[REVOCATION] == 0
    assert not one.cold
    assert one.baseline_seconds == (7 * DAY + HOUR) // SECOND


def test_the_expected_place_is_where_most_hours_were_spent() -> None:
    expected = theft().expected
    assert (expected.prefix, expected.prefixes, expected.families) == ("198.51.100.0/24", 1, 1)
    assert expected.client.startswith("boto3/1")


def test_places_are_those_of_the_holder_with_the_candidates_own_first() -> None:
    here, home = theft().places
    now = (DAY_EIGHT + HOUR) // SECOND
    assert (here.address, here.first, here.last) == ("192.0.2.66", now, now)
    assert (home.address, home.first, home.last) == ("198.51.100.7", START // SECOND, DAY_EIGHT // SECOND)
    assert home.client == theft().expected.client


def test_a_late_candidates_own_place_comes_first_too() -> None:
    """The theft is logged an hour late, after a newer use of the owner."""
    (late,) = candidates(use(DAY_EIGHT + 2 * HOUR), use(DAY_EIGHT + HOUR, **THEFT))
    assert [place.address for place in late.places] == ["192.0.2.66", "198.51.100.7"]


def test_the_expected_action_is_what_most_hours_were_spent_on() -> None:
    assert (theft().expected.action, theft().expected.services) == ("s3:GetObject", 1)


def test_the_privilege_is_that_of_the_action_and_of_a_read_where_it_was_refused() -> None:
    refused = {**THEFT, "outcome": Outcome.DENIED, "native_id": "refused"}
    found = candidates(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **refused), use(DAY_EIGHT + HOUR, **THEFT))
    assert [one.privilege for one in found] == [READ, PRIVILEGED]


def test_a_refused_use_says_how_many_actions_were_refused_in_its_hour() -> None:
    """The numbers of the last of four: an accepted use, or a repeat, adds none."""
    actions = ("iam:ListUsers", "iam:ListUsers", "iam:ListRoles", "ec2:DescribeInstances")
    tried = [
        use(DAY_EIGHT + at, **{**THEFT, "action": one, "outcome": Outcome.DENIED}) for at, one in enumerate(actions)
    ]
    found = candidates(use(DAY_EIGHT), *(varied(one, native_id=f"try {at}") for at, one in enumerate(tried)))
    assert [(one.refused, one.refused_usually) for one in found] == [(1, 10), (0, 0), (2, 10), (3, 10)]


def test_ends_are_those_known_at_the_use() -> None:
    issued = use(DAY_EIGHT, activity=Activity.ISSUE, issued_at=DAY_EIGHT, expires_at=DAY_EIGHT + 9 * HOUR)
    stolen = use(DAY_EIGHT + HOUR, **THEFT)
    revoked = use(DAY_EIGHT + 2 * HOUR, activity=Activity.REVOKE)
    later = varied(stolen, time=DAY_EIGHT + 2 * HOUR + MINUTE, native_id="again", address="203.0.113.8")
    before, after = candidates(use(DAY_EIGHT), issued, stolen, revoked, later)
    assert (before.issued_at, before.expires_at) == (DAY_EIGHT, DAY_EIGHT + 9 * HOUR)
    assert before.ended_at == DAY_EIGHT + 9 * HOUR
    assert after.ended_at == DAY_EIGHT + 2 * HOUR


def test_an_end_that_nobody_stated_is_none() -> None:
    one = theft()
    assert (one.issued_at, one.expires_at, one.ended_at) == (0, 0, 0)


def test_append_time_is_kept() -> None:
    appended = DAY_EIGHT + HOUR + MINUTE
    found = candidates(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **{**THEFT, "append_time": appended}))
    assert [one.append_time for one in found] == [appended]
