from __future__ import annotations

from detector.simulate.demo.attacks import Theft
from detector.simulate.demo.fleet import Truth
from detector.simulate.demo.score import score
from tests.alerts import alert

FIRST = 1_768_053_600  # 2026-01-10T14:00:00Z
THEFT = Theft(
    scenario="imds-replay", techniques=(), realm="111122223333", principal="role", session="i-0", credential="ASIA0",
    address="198.19.0.1", event_ids=("m1", "m2", "m3"), seconds=(FIRST, FIRST + 60, FIRST + 90),
)  # fmt: skip
TRUTH = Truth((THEFT,))


def test_a_theft_is_found_by_the_first_alert_that_rests_on_a_malicious_use() -> None:
    late = alert(event_ids=["m1", "m2"], time="2026-01-10T14:01:00Z")
    grown = alert(event_ids=["m3"], time="2026-01-10T14:01:30Z", id="alert-2", revision=2)
    result = score(TRUTH, [late, grown])
    (found,) = result.found
    assert (found.first, found.last, found.uses, found.seconds) == (late, grown, 2, 60)
    assert (result.missed, result.false, result.incidents) == ((), (), 1)


def test_the_first_malicious_use_counts_as_one_use_and_no_seconds() -> None:
    (found,) = score(TRUTH, [alert(event_ids=["m1"], time="2026-01-10T14:00:00Z")]).found
    assert (found.uses, found.seconds) == (1, 0)


def test_an_incident_on_benign_uses_is_false_even_on_the_victims_own_principal() -> None:
    false = alert(event_ids=["benign"])
    result = score(TRUTH, [false])
    assert result.false == (false,)
    assert result.missed == (THEFT,)
    assert result.found == ()


def test_an_incident_counts_once_however_many_revisions_it_has() -> None:
    revisions = [alert(event_ids=["benign"], id=f"alert-{at}", revision=at) for at in (1, 2, 3)]
    result = score(TRUTH, revisions)
    assert (result.incidents, len(result.false)) == (1, 1)


def test_an_incident_that_paged_before_the_theft_is_false_and_still_finds_it() -> None:
    opened = alert(event_ids=["benign"])
    grown = alert(event_ids=["benign", "m2"], id="alert-2", revision=2, time="2026-01-10T14:01:00Z")
    result = score(TRUTH, [opened, grown])
    assert result.false == (opened,)
    assert result.found[0].first == grown
    assert result.missed == ()


def test_without_alerts_everything_is_missed_and_nothing_false() -> None:
    result = score(TRUTH, [])
    assert (result.found, result.missed, result.false, result.incidents) == ((), (THEFT,), (), 0)
