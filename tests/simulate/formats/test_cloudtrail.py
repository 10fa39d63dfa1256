from __future__ import annotations

import json
from typing import Any

from detector.simulate.call import Action, Call, Context
from detector.simulate.formats import cloudtrail
from detector.simulate.formats.cloudtrail import Identity, Role, session

SECOND = 1_767_571_200
ROLE = Role("111122223333", "/web/", "web-search", "AROAEXAMPLE")


def record(identity: Identity, context: Context, error: str = "") -> dict[str, Any]:
    call = Call(SECOND, "11111111-1111-4111-a111-111111111111", identity, Action("s3", "GetObject"), context, error)
    parsed: dict[str, Any] = json.loads(identity.render(call))
    return parsed


def test_a_record_says_who_what_when_and_from_where() -> None:
    found = record(session(ROLE, "i-0123456789abcdef0", "ASIAEXAMPLE", SECOND), Context("198.18.0.1", 'agent "x"'))
    assert found["eventTime"] == "2026-01-05T00:00:00Z"
    assert (found["eventSource"], found["eventName"]) == ("s3.amazonaws.com", "GetObject")
    assert (found["sourceIPAddress"], found["userAgent"]) == ("198.18.0.1", 'agent "x"')
    identity = found["userIdentity"]
    assert identity["accessKeyId"] == "ASIAEXAMPLE"
    assert identity["arn"] == "arn:aws:sts::111122223333:assumed-role/web-search/i-0123456789abcdef0"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == "arn:aws:iam::111122223333:role/web/web-search"
    assert "vpcEndpointId" not in found
    assert "errorCode" not in found


def test_an_endpoint_and_an_error_are_written_only_where_there_are_any() -> None:
    identity = session(ROLE, "i-0", "ASIAEXAMPLE", SECOND)
    found = record(identity, Context("10.0.0.1", "agent", "eu-west-1", "vpce-1"), error="AccessDenied")
    assert found["vpcEndpointId"] == "vpce-1"
    assert found["errorCode"] == "AccessDenied"
    assert found["errorMessage"].endswith("is not authorized to perform: s3:GetObject")
    assert found["tlsDetails"]["clientProvidedHostHeader"] == "s3.eu-west-1.amazonaws.com"


def test_a_user_a_job_and_a_service_are_written_as_what_they_are() -> None:
    context = Context("203.0.113.1", "agent")
    user = record(cloudtrail.user("111122223333", "/vendor/", "v", "AIDAEXAMPLE", "AKIAEXAMPLE"), context)
    job = record(cloudtrail.workflow("444455556666", "repo:example/shop:ref:refs/heads/main"), context)
    service = record(cloudtrail.aws_service("111122223333", "config.amazonaws.com"), context)
    types = [found["userIdentity"]["type"] for found in (user, job, service)]
    assert types == ["IAMUser", "WebIdentityUser", "AWSService"]
    assert user["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/vendor/v"
    assert "accessKeyId" not in job["userIdentity"]


def test_an_issued_key_is_logged_with_its_expiry_and_without_its_secret() -> None:
    answer = json.loads(cloudtrail.issued("ASIACHILDEXAMPLE", SECOND + 3_600, ROLE, "reader"))
    assert answer["credentials"] == {"accessKeyId": "ASIACHILDEXAMPLE", "expiration": "2026-01-05T01:00:00Z"}
    assert answer["assumedRoleUser"]["assumedRoleId"] == "AROAEXAMPLE:reader"
