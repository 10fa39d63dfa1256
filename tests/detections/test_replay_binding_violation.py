"""Instance sessions off their instance, and what only looks like it."""

from __future__ import annotations

from tests.detections.scenario import (
    AGENT,
    BOTO,
    CLI,
    HOUR,
    MINUTE,
    START,
    THEFT,
    Scenario,
    Use,
    alerts,
    instance,
    interleaved,
)

DETECTION = "replay.binding_violation"
FAR = "192.0.2.66"


def stolen() -> list[Use]:
    return interleaved(instance, lambda at: instance(at, address=FAR, client=CLI))


def stolen_over_imds_v1() -> list[Use]:
    """The workload asks by IMDSv2; the thief got the key by a forwarded IMDSv1 request, with the same SDK."""
    return interleaved(instance, lambda at: instance(at, address=FAR, client=BOTO, delivery="1.0"))


def endpoint_and_public() -> list[Use]:
    return interleaved(instance, lambda at: instance(at, address="10.0.4.9", channel="vpce:vpce-0a1b2c3d"))


def address_attached() -> list[Use]:
    return [
        instance(THEFT + turn * MINUTE, address="203.0.113.77" if turn > 4 else "198.51.100.20") for turn in range(12)
    ]


def nat_pool() -> list[Use]:
    """A role whose sessions leave by any of three gateways; an agent runs beside the workload on each instance."""
    role = {"principal": "arn:aws:iam::111122223333:role/app/pool#instance"}
    return [
        instance(
            START + turn * 20 * MINUTE,
            1000 + turn % 4 + 4 * (turn // 200),
            **role,
            address=("203.0.113.1", "198.51.101.1", "198.51.102.1")[turn * 7 % 11 % 3],
            client=AGENT if turn % 5 == 0 else BOTO,
        )
        for turn in range(600)
    ]


def next_key_of_the_instance() -> list[Use]:
    """Keys of an instance are renewed every few hours: a second key of the session is no second holder."""
    return [instance(THEFT + turn * HOUR, key=f"ASIANEXT{turn // 6}") for turn in range(24)]


SCENARIOS = (
    Scenario("stolen session key used with another client from elsewhere", DETECTION, fires=True, uses=stolen),
    Scenario("endpoint and public path of the same client", DETECTION, fires=False, uses=endpoint_and_public),
    Scenario("elastic address attached to a running instance", DETECTION, fires=False, uses=address_attached),
    Scenario("NAT gateway pool shared with other sessions", DETECTION, fires=False, uses=nat_pool),
    Scenario("keys renewed on the instance", DETECTION, fires=False, uses=next_key_of_the_instance),
)


def test_the_alert_names_the_instance_its_home_and_where_it_was_used() -> None:
    first = alerts(stolen)[0]
    assert first.detection == DETECTION
    assert first.severity == "high"
    assert first.is_alert
    reason = first.reasons[0]
    assert reason.facet == "binding"
    assert FAR in reason.observed
    assert "198.51.100.20" in reason.expected
    assert {interval.role for interval in first.timeline} == {"observed", "expected"}


def test_one_theft_is_one_incident() -> None:
    assert len({alert.incident_id for alert in alerts(stolen)}) == 1


def test_another_delivery_version_is_another_client() -> None:
    found = alerts(stolen_over_imds_v1)
    assert any(reason.facet == "binding" for alert in found for reason in alert.reasons)
