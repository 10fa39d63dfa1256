"""A new origin unlike its own and its peers', and moves that are ordinary."""

from __future__ import annotations

from tests.detections.scenario import BOTO_NEXT, CLI, DAY, HOUR, MINUTE, THEFT, Outcome, Scenario, Use, alerts, use

DETECTION = "replay.new_origin"


def from_elsewhere() -> list[Use]:
    return [use(THEFT + turn * MINUTE, address="192.0.2.66", client=CLI) for turn in range(4)]


def refused_elsewhere_then_accepted() -> list[Use]:
    refused = [
        use(THEFT + turn * MINUTE, address="192.0.2.66", client=CLI, outcome=Outcome.DENIED) for turn in range(9)
    ]
    return [*refused, use(THEFT + 10 * MINUTE, address="192.0.2.66", client=CLI)]


def new_address_in_prefix() -> list[Use]:
    return [use(THEFT + turn * HOUR, address=f"198.51.100.{100 + turn}") for turn in range(8)]


def prefix_of_peers() -> list[Use]:
    return [use(THEFT + turn * HOUR, address="203.0.113.200") for turn in range(8)]


def always_elsewhere() -> list[Use]:
    """A CI runner: each job from a prefix nobody used before."""
    who = {"principal": "arn:aws:iam::111122223333:user/ci/build", "peer_group": "111122223333|aws.access-key|/ci/"}
    return [
        use(THEFT - 5 * DAY + turn * HOUR, **who, credential=f"AKIACI{turn}", address=f"192.0.{turn}.9", client=CLI)
        for turn in range(140)
    ]


def new_release() -> list[Use]:
    return [use(THEFT + turn * HOUR, client=BOTO_NEXT) for turn in range(8)]


SCENARIOS = (
    Scenario("used from a network and with a client nobody has", DETECTION, fires=True, uses=from_elsewhere),
    Scenario("refused first, then accepted", DETECTION, fires=True, uses=refused_elsewhere_then_accepted),
    Scenario("new address in a known prefix", DETECTION, fires=False, uses=new_address_in_prefix),
    Scenario("prefix that peers use", DETECTION, fires=False, uses=prefix_of_peers),
    Scenario("principal whose addresses always change", DETECTION, fires=False, uses=always_elsewhere),
    Scenario("new client release", DETECTION, fires=False, uses=new_release),
)


def test_it_fires_on_the_first_use_and_says_what_was_expected() -> None:
    first = alerts(from_elsewhere)[0]
    assert first.time == "2026-01-12T00:00:00Z"
    assert first.evidence.event_count == 1
    said = {reason.facet: reason for reason in first.reasons}
    assert "192.0.2.66" in said["network"].observed
    assert "198.51.100.0/24" in said["network"].expected
    assert "boto3" in said["client"].expected.lower()
