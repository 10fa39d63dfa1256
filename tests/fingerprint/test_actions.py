from __future__ import annotations

import pytest

from detector.fingerprint.actions import PRIVILEGED, READ, WRITE, privilege, service_of


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:GetObject", READ),
        ("iam:ListUsers", READ),
        ("dynamodb:BatchGetItem", READ),
        ("s3:PutObject", WRITE),
        ("dynamodb:BatchWriteItem", WRITE),
        ("iam:CreateUser", PRIVILEGED),
        ("IAM:createUser", PRIVILEGED),
        ("secretsmanager:GetSecretValue", PRIVILEGED),
        ("ssm:GetParameter", PRIVILEGED),
        ("sts:AssumeRoleWithWebIdentity", PRIVILEGED),
    ],
)
def test_an_action_reads_writes_or_is_privileged(action: str, expected: int) -> None:
    assert privilege(action) == expected


@pytest.mark.parametrize("action", ["", "StopLogging", "iam", ":", "vault/secret/data"])
def test_what_is_not_known_to_read_counts_as_a_write(action: str) -> None:
    assert privilege(action) == WRITE


def test_privileges_ascend() -> None:
    assert READ < WRITE < PRIVILEGED


@pytest.mark.parametrize(
    ("action", "service"),
    [("s3:GetObject", "s3"), ("a:b:c", "a"), ("StopLogging", "StopLogging"), (":verb", ":verb"), ("", "")],
)
def test_an_action_belongs_to_the_service_it_names_or_to_itself(action: str, service: str) -> None:
    assert service_of(action) == service
