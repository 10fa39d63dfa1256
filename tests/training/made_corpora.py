"""A folder that looks like third-party logs, with made-up records and labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TOOL = "stratus-red-team_01234567-89ab-cdef-0123-456789abcdef"
TECHNIQUE = "aws.made-up.take-and-look"
ACCOUNT = "111122223333"
NOON = "2026-03-02T12:00"


def call(name: str, time: str, key: str = "AKIAMADEUPEXAMPLE", **fields: Any) -> dict[str, Any]:
    """One CloudTrail record of an IAM user, `name` as `service:Operation`."""
    service, _, operation = name.partition(":")
    return {
        "eventVersion": "1.11", "eventTime": time, "eventSource": f"{service}.amazonaws.com", "eventName": operation,
        "eventID": f"{time}-{operation}-{key}", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
        "userAgent": TOOL, "requestParameters": None, "recipientAccountId": ACCOUNT,
        "userIdentity": {
            "type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{key}", "accountId": ACCOUNT, "accessKeyId": key,
            "userName": key,
        },
        **fields,
    }  # fmt: skip


def session(key: str, name: str, time: str, **fields: Any) -> dict[str, Any]:
    """The same by a session of an assumed role."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/{fields.pop('session', 'look')}"
    role = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/app", "principalId": "AROAMADEUPEXAMPLE"}
    identity = {
        "type": "AssumedRole", "arn": arn, "accountId": ACCOUNT, "accessKeyId": key,
        "principalId": f"AROAMADEUPEXAMPLE:{arn.rpartition('/')[2]}",
        "sessionContext": {"sessionIssuer": role, "attributes": {"creationDate": time}},
    }  # fmt: skip
    return call(name, time, key, userIdentity=identity, **fields)


def technique() -> list[dict[str, Any]]:
    """A role is assumed with a stolen key, polled for, and looks around."""
    issued = {"credentials": {"accessKeyId": "ASIAMADEUPEXAMPLE", "expiration": f"{NOON}:59Z"}}
    role = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/app", "roleSessionName": "look"}
    return [
        call("sts:AssumeRole", f"{NOON}:00Z", errorCode="AccessDenied"),
        call("sts:AssumeRole", f"{NOON}:05Z", requestParameters=role, responseElements=issued),
        call("ssm:DescribeInstanceInformation", f"{NOON}:06Z"),
        session("ASIAMADEUPEXAMPLE", "s3:ListBuckets", f"{NOON}:09Z"),
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make(folder: Path, *, techniques: bool = True) -> Path:
    """A technique, three samples of one rule and one that none matches, and a stream."""
    if techniques:
        labels = ["attack_detonation", "attack_detonation", "detonation_polling", "attack_detonation"]
        write(folder / "stratus-red-team" / f"{TECHNIQUE}.jsonl", technique())
        write(
            folder / "stratus-red-team" / "labels.jsonl",
            [{"technique": TECHNIQUE, "line": line, "label": label} for line, label in enumerate(labels, 1)],
        )
    samples = [
        call("iam:CreateUser", f"{NOON}:00Z"),
        call("iam:ListUsers", "2026-02-20T12:00:00Z"),
        call("iam:ListUsers", f"{NOON}:30Z", "AKIAOTHEREXAMPLE"),
    ]
    rules = [("Made.Up.Rule", True), ("Made.Up.Rule", False), ("Another.Rule", False)]
    write(folder / "panther" / "aws_cloudtrail.jsonl", samples)
    write(
        folder / "panther" / "aws_cloudtrail.labels.jsonl",
        [{"line": line, "rule_id": rule, "expected": said} for line, (rule, said) in enumerate(rules, 1)],
    )
    write(folder / "cribl-cloudtrail" / "cloudtrail.jsonl", [call("s3:GetObject", f"{NOON}:{at:02}Z") for at in (2, 1)])
    return folder
