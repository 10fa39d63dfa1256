"""Two holders at once, and what only alternates."""

from __future__ import annotations

from tests.detections.scenario import (
    AGENT,
    BOTO,
    CLI,
    HOUR,
    MINUTE,
    THEFT,
    Scenario,
    Use,
    alerts,
    handover,
    interleaved,
    use,
)

DETECTION = "replay.concurrent_use"


def both_sides_speak() -> list[Use]:
    return interleaved(use, lambda at: use(at, address="192.0.2.66", client=CLI))


def moved() -> list[Use]:
    return handover(use, lambda at: use(at, address="203.0.113.9"))


def two_clients_on_a_host() -> list[Use]:
    return interleaved(use, lambda at: use(at, client=AGENT), 20)


def shared_by_design() -> list[Use]:
    """A vendor's key: two sites with a tool each, alternating since long before, from networks that peers use."""
    rows = []
    for turn in range(400):
        site = {"address": "203.0.113.4", "client": AGENT} if turn % 2 else {"address": "198.51.100.4", "client": BOTO}
        who = {"principal": "arn:aws:iam::111122223333:user/svc/vendor", "credential": "AKIAVENDOR"}
        rows.append(use(THEFT - 5 * 24 * HOUR + turn * 15 * MINUTE, **who, **site))
    return rows


SCENARIOS = (
    Scenario("both sides speak in turn", DETECTION, fires=True, uses=both_sides_speak),
    Scenario("handover to a new place", DETECTION, fires=False, uses=moved),
    Scenario("two clients on one host", DETECTION, fires=False, uses=two_clients_on_a_host),
    Scenario("key shared by design", DETECTION, fires=False, uses=shared_by_design),
)


def test_the_reason_names_both_places() -> None:
    reasons = [
        reason for alert in alerts(both_sides_speak) for reason in alert.reasons if reason.facet == "concurrency"
    ]
    assert reasons
    assert "192.0.2.66" in reasons[0].observed
    assert "198.51.100.7" in reasons[0].observed


def test_the_theft_is_one_incident_with_few_revisions() -> None:
    found = alerts(both_sides_speak)
    assert len({alert.incident_id for alert in found}) == 1
    assert len(found) <= 5
