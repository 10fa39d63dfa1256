"""Actions far from what a credential is for, and new actions that are ordinary."""

from __future__ import annotations

from typing import Any

from tests.detections.scenario import DAY, HOUR, MINUTE, START, THEFT, USER, Outcome, Scenario, Use, alerts, use

DETECTION = "scope.new_action"


def each(*actions: str, start: int = THEFT, apart: int = MINUTE, **columns: Any) -> list[Use]:
    """A use of each action, one after the other."""
    return [use(start + at * apart, action=action, **columns) for at, action in enumerate(actions)]


def new_keys_from_home() -> list[Use]:
    """A thief on the owner's host: nothing is new but what is done."""
    return each("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey")


def one_a_few_hours() -> list[Use]:
    """Further apart than an epoch, so that each is learnt before the next: the day holds them together."""
    actions = ("iam:CreateUser", "secretsmanager:PutSecretValue", "kms:ScheduleKeyDeletion", "cloudtrail:StopLogging")
    return each(*actions, apart=3 * HOUR)


def new_feature() -> list[Use]:
    reads = ("dynamodb:GetItem", "dynamodb:Query", "ec2:DescribeInstances", "logs:FilterLogEvents", "glue:GetTable")
    writes = ("dynamodb:PutItem", "sqs:SendMessage", "sns:Publish", "logs:PutLogEvents", "events:PutRule")
    return each(*reads, *writes) * 3


def what_peers_use() -> list[Use]:
    """All three peers have read secrets and keys for days; now the principal does."""
    actions = ("secretsmanager:GetSecretValue", "kms:Decrypt", "sts:AssumeRole")
    before = [
        row
        for peer in range(3)
        for day in range(1, 7)
        for row in each(
            *actions, start=START + day * DAY, principal=f"{USER}-{peer}", credential=f"AKIAPEER{peer}",
            address=f"198.51.100.{peer}",
        )
    ]  # fmt: skip
    return before + each(*actions)


def first_secret() -> list[Use]:
    """A release that reads its first secret, and more."""
    return each("secretsmanager:GetSecretValue", "dynamodb:GetItem", "dynamodb:PutItem", "sqs:SendMessage") * 9


def always_something_new() -> list[Use]:
    """A role that manages accounts: every hour another action, four of ten of them on identities."""
    who = {"principal": "arn:aws:iam::111122223333:user/ci/terraform", "peer_group": "111122223333|aws.access-key|/ci/"}
    services = ("iam", "ec2", "s3", "iam", "rds", "kms", "lambda", "sqs", "organizations", "sns")
    return [
        use(THEFT - 5 * DAY + turn * HOUR, **who, credential="AKIACI", action=f"{services[turn % 10]}:Update{turn}")
        for turn in range(140)
    ]


def newcomer() -> list[Use]:
    who: dict[str, Any] = {"principal": "arn:aws:iam::111122223333:user/svc/new", "credential": "AKIANEW"}
    return each("iam:CreateUser", "iam:AttachUserPolicy", "kms:Decrypt", "iam:CreateAccessKey", apart=4 * HOUR, **who)


def refused() -> list[Use]:
    return each("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey", outcome=Outcome.DENIED)


SCENARIOS = (
    Scenario("new keys and policies from the owner's host", DETECTION, fires=True, uses=new_keys_from_home),
    Scenario("a privileged action every few hours", DETECTION, fires=True, uses=one_a_few_hours),
    Scenario("new feature that reads and writes", DETECTION, fires=False, uses=new_feature),
    Scenario("actions that peers use", DETECTION, fires=False, uses=what_peers_use),
    Scenario("release with one new privileged action", DETECTION, fires=False, uses=first_secret),
    Scenario("principal whose actions always change", DETECTION, fires=False, uses=always_something_new),
    Scenario("first day of a principal", DETECTION, fires=False, uses=newcomer),
    Scenario("privileged actions that are refused", DETECTION, fires=False, uses=refused),
)


def test_it_fires_by_the_third_action_and_says_what_was_expected() -> None:
    first = alerts(new_keys_from_home)[0]
    assert first.evidence.event_count == 3
    (reason,) = first.reasons
    assert reason.facet == "action"
    assert reason.observed.startswith("iam:")
    assert reason.expected == "s3:GetObject, or another that it used in 1 known service"
