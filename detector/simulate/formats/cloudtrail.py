"""One simulated API call as a native AWS CloudTrail record.

The field names and shapes are those of the CloudTrail record contents and userIdentity reference; only what a
detector may read is written. Key ids end in EXAMPLE, so that nobody takes one for a live credential.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from detector.simulate.call import Call, stamp

GITHUB = "token.actions.githubusercontent.com"
Json = dict[str, object]
_quoted = lru_cache(maxsize=4096)(json.dumps)


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role. `path` is the peer group of its principal: such as `/web/`."""

    account: str
    path: str
    name: str
    role_id: str

    @property
    def arn(self) -> str:
        """The role's ARN, path included."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: the account that logs it, the caller's ARN, its key id, and `userIdentity` as JSON."""

    account: str
    arn: str
    key: str
    json: str

    @property
    def log(self) -> str:
        """One log for all accounts: records name their account."""
        return "cloudtrail"

    def render(self, call: Call) -> bytes:
        """The record as CloudTrail writes it, on one line."""
        action, context = call.action, call.context
        host = f"{action.service}.{context.region}.amazonaws.com"
        extra = f'"vpcEndpointId":"{context.endpoint}",' if context.endpoint else ""
        if call.error:
            what = f"User: {self.arn} is not authorized to perform: {action.service}:{action.name}"
            extra += f'"errorCode":"{call.error}","errorMessage":{json.dumps(what)},'
        return (
            f'{{"eventVersion":"1.11","userIdentity":{self.json},"eventTime":"{stamp(call.second)}",'
            f'"eventSource":"{action.service}.amazonaws.com","eventName":"{action.name}","awsRegion":"{context.region}",'
            f'"sourceIPAddress":"{context.address}","userAgent":{_quoted(context.client)},{extra}'
            f'"requestParameters":{call.request or action.request},"responseElements":{call.response},'
            f'"requestID":"{call.event_id[:8].upper()}{call.event_id[-8:].upper()}","eventID":"{call.event_id}",'
            f'"readOnly":{"true" if action.read_only else "false"},"eventType":"AwsApiCall","managementEvent":true,'
            f'"recipientAccountId":"{self.account}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3",'
            f'"cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{host}"}}}}'
        ).encode()


def compact(value: Json) -> str:
    """Canonical small JSON."""
    return json.dumps(value, separators=(",", ":"))


def session(role: Role, name: str, key: str, issued: int, *, context: Json | None = None, **extra: object) -> Identity:
    """A role session. `context` is added to sessionContext, `extra` to userIdentity; `issued` in seconds."""
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}"
    return Identity(
        role.account,
        arn,
        key,
        f'{{"type":"AssumedRole","principalId":"{role.role_id}:{name}","arn":"{arn}","accountId":"{role.account}",'
        f'"accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{_issuer(role)},'
        f'"attributes":{_attributes(issued)}{_members(context or {})}}}{_members(extra)}}}',
    )


@lru_cache(maxsize=4096)
def _issuer(role: Role) -> str:
    return compact(
        {
            "type": "Role", "principalId": role.role_id, "arn": role.arn, "accountId": role.account,
            "userName": role.name,
        }
    )  # fmt: skip


def _attributes(issued: int) -> str:
    return f'{{"creationDate":"{stamp(issued)}","mfaAuthenticated":"false"}}'


def _members(fields: Json) -> str:
    """Further members of an object that has some already."""
    return f",{compact(fields)[1:-1]}" if fields else ""


def federated(owner: Identity, name: str, key: str, issued: int) -> Identity:
    """What GetFederationToken gives the IAM user `owner` to hand out as `name`."""
    account, issuer = owner.account, json.loads(owner.json)
    issuer = {"type": "IAMUser"} | {field: issuer[field] for field in ("principalId", "arn", "accountId", "userName")}
    arn = f"arn:aws:sts::{account}:federated-user/{name}"
    return Identity(
        account,
        arn,
        key,
        f'{{"type":"FederatedUser","principalId":"{account}:{name}","arn":"{arn}","accountId":"{account}",'
        f'"accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{compact(issuer)},'
        f'"attributes":{_attributes(issued)}}}}}',
    )


def user(account: str, path: str, name: str, user_id: str, key: str) -> Identity:
    """An IAM user with a long-lived key."""
    arn = f"arn:aws:iam::{account}:user{path}{name}"
    fields: Json = {
        "type": "IAMUser", "principalId": user_id, "arn": arn, "accountId": account, "accessKeyId": key,
        "userName": name,
    }  # fmt: skip
    return Identity(account, arn, key, compact(fields))


def workflow(account: str, subject: str) -> Identity:
    """A CI job that has only its OIDC token yet: the caller of AssumeRoleWithWebIdentity."""
    provider = f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"
    fields: Json = {
        "type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject,
        "identityProvider": provider,
    }  # fmt: skip
    return Identity(account, subject, "", compact(fields))


def aws_service(account: str, host: str) -> Identity:
    """An AWS service that acts by itself."""
    return Identity(account, host, "", compact({"type": "AWSService", "invokedBy": host}))


def issued(key: str, expires: int, role: Role, name: str) -> str:
    """What STS answers when it issues `key` until `expires` (seconds); the token itself is never logged."""
    return compact(
        {
            "credentials": {"accessKeyId": key, "expiration": stamp(expires)},
            "assumedRoleUser": {
                "assumedRoleId": f"{role.role_id}:{name}",
                "arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}",
            },
        }
    )


def issued_federated(key: str, expires: int, account: str, name: str) -> str:
    """What STS answers to GetFederationToken."""
    user = {"federatedUserId": f"{account}:{name}", "arn": f"arn:aws:sts::{account}:federated-user/{name}"}
    return compact({"credentials": {"accessKeyId": key, "expiration": stamp(expires)}, "federatedUser": user})
