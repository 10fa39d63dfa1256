"""The CloudTrail source: who is calling, from where, and what the call does to other credentials."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detector.domain import KIND_CODE, Activity, ActorClass, Flag, Outcome, UseRow
from detector.sources.cloudtrail import CloudTrail

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app/web"
T0 = 1_792_929_600_000_000  # 2026-10-25T12:00:00Z


def session(name: str, key: str = "ASIAEXAMPLE000000001", *, role: str = "app/web", **extra: Any) -> dict[str, Any]:
    context: dict[str, Any] = {
        "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT},
        "webIdFederationData": {},
        "attributes": {"creationDate": "2026-10-25T11:00:00Z", "mfaAuthenticated": "false"},
    }
    context |= extra.pop("context", {})
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE000000001:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": context,
        **extra,
    }


def user(name: str = "ops/deploy", key: str = "AKIAEXAMPLE000000001", **extra: Any) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name.rpartition("/")[2],
        **extra,
    }


def event(**fields: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventID": "11111111-2222-4333-8444-555555555555",
        "eventTime": "2026-10-25T12:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "Boto3/1.35.3 os/linux#6.1",
        "recipientAccountId": ACCOUNT,
        "userIdentity": user(),
        **fields,
    }


def raw(**fields: Any) -> bytes:
    return json.dumps(event(**fields), separators=(",", ":")).encode()


def read(**fields: Any) -> list[UseRow]:
    reading = CloudTrail().read([raw(**fields)], "home")
    assert reading.rejected == []
    return reading.rows


def sts(name: str, asked: dict[str, Any], answer: dict[str, Any], **fields: Any) -> list[UseRow]:
    return read(
        eventSource="sts.amazonaws.com", eventName=name, requestParameters=asked, responseElements=answer, **fields
    )


def issued(key: str = "ASIACHILD00000000001") -> dict[str, Any]:
    return {"credentials": {"accessKeyId": key, "expiration": "Oct 25, 2026, 1:00:00 PM", "sessionToken": "hidden"}}


SAMPLES: list[tuple[str, bytes, list[dict[str, object]]]] = [
    (
        "a user's static key",
        raw(requestParameters={"bucketName": "reports", "key": "q3.csv"}),
        [
            {
                "native_id": "11111111-2222-4333-8444-555555555555",
                "source": "cloudtrail",
                "time": T0,
                "realm": ACCOUNT,
                "account": ACCOUNT,
                "principal": f"arn:aws:iam::{ACCOUNT}:user/ops/deploy",
                "session": "",
                "credential": "AKIAEXAMPLE000000001",
                "kind": KIND_CODE["aws.access-key"],
                "peer_group": f"{ACCOUNT}|aws.access-key|/ops/",
                "address": "192.0.2.10",
                "client": "Boto3/1.35.3 os/linux#6.1",
                "channel": "",
                "region": "eu-west-1",
                "action": "s3:GetObject",
                "resource": "reports",
                "outcome": Outcome.ALLOWED,
                "error": "",
                "activity": Activity.USE,
                "actor_class": ActorClass.UNKNOWN,
                "flags": Flag.NONE,
                "use_index": 0,
            }
        ],
    ),
    (
        "an instance's session",
        raw(userIdentity=session("i-0123456789abcdef0", context={"ec2RoleDelivery": "2.0"})),
        [
            {
                "principal": f"{ROLE}#instance",
                "session": "i-0123456789abcdef0",
                "instance": "i-0123456789abcdef0",
                "delivery": "2.0",
                "kind": KIND_CODE["aws.session/instance"],
                "peer_group": f"{ACCOUNT}|aws.session/instance|/app/",
                "actor_class": ActorClass.WORKLOAD,
                "issued_at": T0 - 3_600_000_000,
            }
        ],
    ),
    (
        "a role assumed, and the session it gives",
        raw(
            eventSource="sts.amazonaws.com",
            eventName="AssumeRole",
            requestParameters={"roleArn": ROLE, "roleSessionName": "build-7"},
            responseElements=issued(),
        ),
        [
            {"activity": Activity.USE, "credential": "AKIAEXAMPLE000000001", "resource": ROLE, "use_index": 0},
            {
                "activity": Activity.ISSUE,
                "use_index": 1,
                "credential": "ASIACHILD00000000001",
                "parent": "AKIAEXAMPLE000000001",
                "realm": ACCOUNT,
                "principal": f"{ROLE}#assumed",
                "session": "build-7",
                "kind": KIND_CODE["aws.session/assumed"],
                "issued_at": T0,
                "expires_at": T0 + 3_600_000_000,
            },
        ],
    ),
    (
        "a key deactivated for someone else",
        raw(
            eventSource="iam.amazonaws.com",
            eventName="UpdateAccessKey",
            requestParameters={"accessKeyId": "AKIALEAKED0000000001", "status": "Inactive", "userName": "ci"},
        ),
        [
            {"activity": Activity.USE},
            {
                "activity": Activity.REVOKE,
                "use_index": 1,
                "credential": "AKIALEAKED0000000001",
                "principal": f"arn:aws:iam::{ACCOUNT}:user/ci",
                "kind": KIND_CODE["aws.access-key"],
                "parent": "",
            },
        ],
    ),
]


def test_the_child_of_assume_role_is_the_principal_that_its_own_uses_state() -> None:
    cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("build-7", {}, {}),
        ("i-0123456789abcdef0", {"userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}}, {}),
        ("0123456789abcdef0123456789abcdef", {}, {}),
        (
            "resize",
            {"userIdentity": {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}},
            {"inScopeOf": {"issuerType": "AWS::Lambda::Function"}},
        ),
    ]
    for name, call, stated in cases:
        child = sts("AssumeRole", {"roleArn": ROLE, "roleSessionName": name}, issued(), **call)[1]
        use = read(userIdentity=session(name, child.credential, **stated))[0]
        assert (child.realm, child.principal, child.session, child.kind) == (
            use.realm,
            use.principal,
            use.session,
            use.kind,
        )
        assert (child.peer_group, child.credential) == (use.peer_group, use.credential)


def test_an_exchange_of_a_web_identity_issues_a_web_identity_session() -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example"
    caller = {"type": "WebIdentityUser", "identityProvider": provider, "userName": "repo:acme/app:ref:refs/heads/main"}
    exchange, child = sts(
        "AssumeRoleWithWebIdentity",
        {"roleArn": ROLE, "roleSessionName": "run-1"},
        issued() | {"provider": provider},
        userIdentity=caller,
    )
    later = read(
        userIdentity=session(
            "run-1", child.credential, context={"webIdFederationData": {"federatedProvider": provider}}
        )
    )[0]
    assert exchange.activity == Activity.EXCHANGE
    assert exchange.principal == f"{provider}:repo:acme/app:ref:refs/heads/main"
    assert exchange.credential == ""
    assert child.principal == later.principal == f"{ROLE}#web-identity"
    assert child.issuer == later.issuer == provider
    assert child.parent == ""


def test_a_role_of_another_account_puts_the_child_into_that_realm() -> None:
    other = "arn:aws:iam::444455556666:role/audit"
    caller, child = sts("AssumeRole", {"roleArn": other, "roleSessionName": "x"}, issued())
    assert (caller.realm, child.realm) == (ACCOUNT, "444455556666")
    assert child.peer_group == "444455556666|aws.session/assumed|/"


def test_a_session_token_belongs_to_the_user_and_a_federation_token_to_the_federated_user() -> None:
    token = sts("GetSessionToken", {"serialNumber": "arn:mfa"}, issued())[1]
    later = read(userIdentity=user(key=token.credential))[0]
    assert (token.principal, token.kind) == (later.principal, later.kind)
    assert token.actor_class == ActorClass.HUMAN

    federated = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    child = sts("GetFederationToken", {"name": "bob"}, issued() | {"federatedUser": {"arn": federated}})[1]
    identity = {"type": "FederatedUser", "arn": federated, "accountId": ACCOUNT, "accessKeyId": child.credential}
    use = read(userIdentity=identity)[0]
    assert (child.principal, child.session, child.kind) == (use.principal, use.session, use.kind)


def test_a_refused_call_has_no_effects() -> None:
    asked = {"roleArn": ROLE, "roleSessionName": "x"}
    assert len(sts("AssumeRole", asked, issued(), errorCode="AccessDenied")) == 1
    assert len(sts("AssumeRole", asked, {})) == 1  # allowed, but the answer was cut off


@pytest.mark.parametrize("status", ["Active", "Inactive", "Unheard-of"])
def test_a_key_is_revoked_or_switched_on_again_by_its_status(status: str) -> None:
    effects = read(
        eventSource="iam.amazonaws.com",
        eventName="UpdateAccessKey",
        requestParameters={"accessKeyId": "AKIAOTHER00000000001", "status": status},
    )[1:]
    expected = {"Active": (Activity.DECLARE, Flag.REACTIVATED), "Inactive": (Activity.REVOKE, Flag.NONE)}.get(status)
    assert [(row.activity, row.flags) for row in effects] == ([expected] if expected else [])
    assert all(row.principal == f"arn:aws:iam::{ACCOUNT}:user/ops/deploy" for row in effects)


def test_a_created_key_is_issued_to_its_owner_and_a_deleted_one_revoked() -> None:
    created = read(
        eventSource="iam.amazonaws.com",
        eventName="CreateAccessKey",
        requestParameters={"userName": "ci"},
        responseElements={"accessKey": {"accessKeyId": "AKIANEW0000000000001", "userName": "ci"}},
    )[1]
    deleted = read(
        eventSource="iam.amazonaws.com",
        eventName="DeleteAccessKey",
        requestParameters={"userName": "ci", "accessKeyId": "AKIANEW0000000000001"},
    )[1]
    assert (created.activity, deleted.activity) == (Activity.ISSUE, Activity.REVOKE)
    assert (created.principal, created.credential) == (deleted.principal, deleted.credential)
    assert created.parent == "AKIAEXAMPLE000000001"


def test_terminated_instances_end_one_row_each() -> None:
    answer = {"instancesSet": {"items": [{"instanceId": "i-0aaaaaaaaaaaaaaa1"}, {"instanceId": "i-0aaaaaaaaaaaaaaa2"}]}}
    rows = read(eventSource="ec2.amazonaws.com", eventName="TerminateInstances", responseElements=answer)
    assert [(row.activity, row.instance, row.use_index) for row in rows[1:]] == [
        (Activity.END, "i-0aaaaaaaaaaaaaaa1", 1),
        (Activity.END, "i-0aaaaaaaaaaaaaaa2", 2),
    ]
    assert {row.principal for row in rows[1:]} == {""}


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"sourceIPAddress": "config.amazonaws.com"}, "service:config.amazonaws.com"),
        ({"sourceIPAddress": "AWS Internal"}, "service:AWS Internal"),
        ({"userIdentity": user(invokedBy="cloudformation.amazonaws.com")}, "service:cloudformation.amazonaws.com"),
    ],
)
def test_a_service_on_behalf_is_marked_and_named(fields: dict[str, Any], channel: str) -> None:
    row = read(**fields)[0]
    assert row.flags == Flag.ON_BEHALF
    assert row.channel == channel


def test_an_endpoint_and_a_console_are_channels() -> None:
    assert read(vpcEndpointId="vpce-0abc")[0].channel == "vpce:vpce-0abc"
    console = read(sessionCredentialFromConsole="true")[0]
    assert (console.channel, console.actor_class) == ("console", ActorClass.HUMAN)


@pytest.mark.parametrize(
    "identity",
    [
        session("jane", role="aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"),
        session("jane", context={"attributes": {"mfaAuthenticated": "true"}}),
        {"type": "SAMLUser", "identityProvider": "idp", "userName": "jane"},
    ],
)
def test_people_are_people(identity: dict[str, Any]) -> None:
    assert read(userIdentity=identity)[0].actor_class == ActorClass.HUMAN


def test_what_the_caller_chooses_per_request_never_changes_who_it_is() -> None:
    lambda_agent = read(userIdentity=session("resize"), userAgent="Boto3/1.35 exec-env/AWS_Lambda_python3.12")[0]
    thief = read(userIdentity=session("resize"), userAgent="curl/8.1", sourceIPAddress="198.51.100.9")[0]
    assert (lambda_agent.principal, lambda_agent.peer_group) == (thief.principal, thief.peer_group)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("AccessDenied", Outcome.DENIED),
        ("Client.UnauthorizedOperation", Outcome.DENIED),
        ("VpceAccessDenied", Outcome.DENIED),
        ("InvalidClientTokenId", Outcome.DENIED),
        ("NoSuchBucketPolicy", Outcome.FAILED),
        ("", Outcome.ALLOWED),
    ],
)
def test_an_error_code_is_a_refusal_a_failure_or_none(code: str, outcome: Outcome) -> None:
    row = read(errorCode=code)[0]
    assert (row.outcome, row.error) == (outcome, code)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("255.18.064.253", "255.18.064.253"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("redacted", ""),
        ("...", ""),
    ],
)
def test_an_address_is_kept_when_it_is_shaped_like_one(found: str, kept: str) -> None:
    assert read(sourceIPAddress=found)[0].address == kept


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-10-25 12:00:00", 0),
        ("2026-10-25 12:00:00.123", 123_000),
        ("2026-10-25T12:00:00.123456789Z", 123_456),
        ("2026-10-25T14:00:00+02:00", 0),
    ],
)
def test_times_are_read_as_publishers_write_them(text: str, microseconds: int) -> None:
    assert read(eventTime=text)[0].time == T0 + microseconds


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"eventTime": "2005-12-31T23:59:59Z"}, "absurd_time"),
        ({"eventTime": "2100-01-01T00:00:00Z"}, "absurd_time"),
        ({"eventTime": "yesterday"}, "bad_time"),
        ({"eventTime": None}, "missing_field"),
        ({"eventSource": ""}, "missing_field"),
        ({"eventName": ["GetObject"]}, "missing_field"),
    ],
)
def test_what_every_use_needs_is_needed(fields: dict[str, Any], reason: str) -> None:
    reading = CloudTrail().read([raw(**fields), raw()], "home")
    assert [(bad.index, bad.reason) for bad in reading.rejected] == [(0, reason)]
    assert reading.record == [1]


@pytest.mark.parametrize("identity", [None, "root", 7, [], {"type": 3}, {"sessionContext": "x"}])
def test_a_record_without_a_usable_identity_is_a_use_of_an_unknown_credential(identity: object) -> None:
    row = read(userIdentity=identity)[0]
    assert (row.realm, row.principal, row.credential, row.kind) == (ACCOUNT, "", "", 0)


def test_a_strange_optional_field_does_not_lose_the_record() -> None:
    row = read(
        resources=["{'arn': 'x'}"],
        requestParameters="a text",
        awsRegion=5,
        recipientAccountId=111122223333,
        tlsDetails=[1],
        userAgent={"a": 1},
    )[0]
    assert (row.credential, row.region, row.account, row.client) == ("AKIAEXAMPLE000000001", "5", ACCOUNT, "")


def test_the_realm_is_the_callers_account_then_the_arns_then_the_recipients_then_the_default() -> None:
    arn = "arn:aws:iam::777788889999:user/x"
    assert read(userIdentity={"type": "IAMUser", "arn": arn})[0].realm == "777788889999"
    assert read(userIdentity={"type": "AWSService", "invokedBy": "a.amazonaws.com"})[0].realm == ACCOUNT
    assert read(userIdentity=None, recipientAccountId=None)[0].realm == "home"


def test_a_bearer_value_in_a_user_agent_never_survives() -> None:
    secret = "ghp_" + "a1B2" * 9
    assert secret not in read(userAgent=f"tool/1 token={secret}")[0].client
