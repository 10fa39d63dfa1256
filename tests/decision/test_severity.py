from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import SEVERITIES, Severity
from detector.decision.severity import confidence, impact, rank, severity
from tests.uses import NAT

# The published table: by confidence, the severity of reads (0.6), writes (0.7), and identity, keys, secrets (0.9).
PUBLISHED: tuple[tuple[float, tuple[Severity, Severity, Severity]], ...] = (
    (0.05, ("informational", "informational", "informational")),
    (0.12, ("informational", "informational", "low")),
    (0.2, ("low", "low", "low")),
    (0.3, ("low", "low", "medium")),
    (0.5, ("medium", "medium", "medium")),
    (0.6, ("medium", "medium", "high")),
    (0.72, ("medium", "high", "high")),
    (0.84, ("high", "high", "critical")),
    (1.0, ("high", "high", "critical")),
)


@pytest.mark.parametrize(("confidence", "words"), PUBLISHED)
def test_severity_is_the_published_table(confidence: float, words: tuple[Severity, ...]) -> None:
    assert tuple(severity(confidence, impact) for impact in (0.6, 0.7, 0.9)) == words


@pytest.mark.parametrize(
    ("risk", "word"),
    [(0.75, "critical"), (0.7499, "high"), (0.5, "high"), (0.4999, "medium"), (0.25, "medium"), (0.2499, "low"),
     (0.1, "low"), (0.0999, "informational"), (0.0, "informational")],
)  # fmt: skip
def test_each_severity_begins_where_the_last_ends(risk: float, word: str) -> None:
    assert severity(risk, 1.0) == word


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.6, 0.7, 0.9]))
def test_severity_never_falls_while_confidence_rises(one: float, other: float, impact: float) -> None:
    low, high = sorted((one, other))
    assert rank(severity(low, impact)) <= rank(severity(high, impact))


def test_severities_are_ranked_from_informational_to_critical() -> None:
    assert [rank(word) for word in SEVERITIES] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("nats", "expected"),
    [
        (0, 0.0),  # 1 / (1 + e^10) = 0.000045
        (7.0, 0.0474),  # 1 / (1 + e^3)
        (10.0, 0.5),
        (12.1972, 0.9),  # ln 9 = 2.1972
        (14.5951, 0.99),  # ln 99 = 4.5951
        (100.0, 1.0),
    ],
)
def test_confidence_is_the_logistic_of_evidence_and_prior(nats: float, expected: float) -> None:
    assert confidence(round(nats * NAT), -10.0) == pytest.approx(expected, abs=2e-4)


@given(st.integers(0, 60 * NAT), st.integers(0, 60 * NAT))
def test_confidence_lies_between_nothing_and_one_and_never_falls_with_evidence(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= confidence(low, -10.0) <= confidence(high, -10.0) <= 1


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("iam:CreateAccessKey", 0.9),
        ("iam:AttachUserPolicy", 0.9),
        ("kms:ScheduleKeyDeletion", 0.9),
        ("cloudtrail:StopLogging", 0.9),
        ("sts:AssumeRole", 0.9),
        ("sts:AssumeRoleWithWebIdentity", 0.9),
        ("secretsmanager:GetSecretValue", 0.9),
        ("secretsmanager:BatchGetSecretValue", 0.9),
        ("ssm:GetParameters", 0.9),
        ("kms:Decrypt", 0.9),
        ("ec2:GetPasswordData", 0.9),
        ("iam:ListUsers", 0.6),
        ("sts:GetCallerIdentity", 0.6),
        ("s3:GetObject", 0.6),
        ("s3:HeadBucket", 0.6),
        ("ec2:DescribeInstances", 0.6),
        ("dynamodb:BatchGetItem", 0.6),
        ("dynamodb:Scan", 0.6),
        ("dynamodb:BatchWriteItem", 0.7),
        ("ecr:BatchDeleteImage", 0.7),
        ("s3:PutObject", 0.7),
        ("ec2:RunInstances", 0.7),
        ("lambda:Invoke", 0.7),
        ("core:get secrets", 0.9),
        ("core:list secrets", 0.9),
        ("core:create serviceaccounts/token", 0.9),
        ("core:create pods/exec", 0.9),
        ("core:get pods/exec", 0.9),
        ("core:patch pods/ephemeralcontainers", 0.9),
        ("core:get nodes/proxy", 0.9),
        ("rbac.authorization.k8s.io:create clusterrolebindings", 0.9),
        ("rbac.authorization.k8s.io:bind roles", 0.9),
        ("certificates.k8s.io:update certificatesigningrequests/approval", 0.9),
        ("rbac.authorization.k8s.io:list roles", 0.6),
        ("core:get pods/log", 0.6),
        ("core:watch pods", 0.6),
        ("authorization.k8s.io:create selfsubjectaccessreviews", 0.6),
        ("authentication.k8s.io:create tokenreviews", 0.6),
        ("url:get healthz", 0.6),
        ("core:create secrets", 0.7),
        ("core:create pods", 0.7),
        ("apps:deletecollection deployments", 0.7),
        ("url:post login", 0.7),
        ("", 0.7),
    ],
)
def test_impact_is_the_privilege_of_what_was_done(action: str, expected: float) -> None:
    assert impact(action) == expected
