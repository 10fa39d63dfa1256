"""Somebody tries what a key is good for, and refusals that are ordinary."""

from __future__ import annotations

from tests.detections.scenario import DAY, HOUR, MINUTE, THEFT, Outcome, Scenario, Use, alerts, use

DETECTION = "scope.denied_sweep"
LISTINGS = (
    "s3:ListBuckets", "iam:ListUsers", "iam:ListRoles", "ec2:DescribeInstances", "lambda:ListFunctions",
    "dynamodb:ListTables", "rds:DescribeDBInstances", "secretsmanager:ListSecrets",
)  # fmt: skip


def refused(at: int, action: str, **columns: object) -> Use:
    return use(at, action=action, outcome=Outcome.DENIED, **columns)


def enumeration() -> list[Use]:
    return [refused(THEFT + at * MINUTE, action) for at, action in enumerate(LISTINGS)]


def broken_job() -> list[Use]:
    """One call that is refused every ten seconds, for a day."""
    return [refused(THEFT + turn * MINUTE // 6, "sqs:SendMessage") for turn in range(24 * 360)]


def release_without_rights() -> list[Use]:
    actions = ("dynamodb:PutItem", "sqs:SendMessage", "sns:Publish")
    return [refused(THEFT + turn * MINUTE, actions[turn % 3]) for turn in range(60)]


def expired_token() -> list[Use]:
    """A workload of eight actions whose token expires: all of them are refused until it is renewed."""
    return [
        use(THEFT - day * DAY + at * MINUTE, action=action, outcome=Outcome.ALLOWED if day else Outcome.DENIED)
        for day in (3, 2, 1, 0)
        for at, action in enumerate(LISTINGS)
    ]


def scanner() -> list[Use]:
    """A scanner with rights to little: six listings are refused every hour, since ever."""
    who = {
        "principal": "arn:aws:iam::111122223333:user/audit/scan",
        "peer_group": "111122223333|aws.access-key|/audit/",
    }
    return [
        row
        for hour in range(120)
        for row in (
            use(THEFT - 4 * DAY + hour * HOUR, **who, credential="AKIASCAN"),
            *(
                refused(THEFT - 4 * DAY + hour * HOUR + at * MINUTE, action, **who, credential="AKIASCAN")
                for at, action in enumerate(LISTINGS[:6], 1)
            ),
        )
    ]


def newcomer() -> list[Use]:
    who = {"principal": "arn:aws:iam::111122223333:user/svc/new", "credential": "AKIANEW"}
    return [refused(THEFT + at * MINUTE, action, **who) for at, action in enumerate(LISTINGS)]


SCENARIOS = (
    Scenario("listings of eight services from the owner's host", DETECTION, fires=True, uses=enumeration),
    Scenario("broken job that retries", DETECTION, fires=False, uses=broken_job),
    Scenario("release that lacks three rights", DETECTION, fires=False, uses=release_without_rights),
    Scenario("expired token", DETECTION, fires=False, uses=expired_token),
    Scenario("scanner that is refused every hour", DETECTION, fires=False, uses=scanner),
    Scenario("first day of a principal", DETECTION, fires=False, uses=newcomer),
)


def test_it_fires_at_the_fifth_action_and_says_how_many_are_usual() -> None:
    first = alerts(enumeration)[0]
    assert first.detection == DETECTION
    assert first.time == "2026-01-12T00:04:00Z"
    said = {reason.facet: reason for reason in first.reasons}["sweep"]
    assert said.observed == "5 different actions refused within an hour, at last lambda:ListFunctions"
    assert said.expected == "about 0.1 an hour"
