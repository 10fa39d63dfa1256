"""The fields we read, as AWS spells them; every one may be missing, and unknown ones are skipped undecoded.

Source: AWS CloudTrail user guide, record contents and userIdentity element (event version 1.11); AWS STS, IAM and EC2
API references for the answers.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw


class Wire(msgspec.Struct, gc=False, rename="camel"):
    """Base of the structs below."""


class Attributes(Wire):
    """`sessionContext.attributes`."""

    creation_date: str | None = None
    mfa_authenticated: str | bool | None = None


class SessionIssuer(Wire):
    """`sessionContext.sessionIssuer`: the role or user a session was issued for."""

    arn: str | None = None


class WebIdentity(Wire):
    """`sessionContext.webIdFederationData`; an empty object when the session has nothing to do with it."""

    federated_provider: str | None = None


class SessionContext(Wire):
    """`userIdentity.sessionContext`."""

    attributes: Attributes | None = None
    session_issuer: SessionIssuer | None = None
    web_id_federation_data: WebIdentity | None = None
    ec2_role_delivery: str | None = None


class Scope(Wire):
    """`userIdentity.inScopeOf`: the workload an AWS service handed the session to."""

    issuer_type: str | None = None


class UserIdentity(Wire):
    """`userIdentity`."""

    type: str | None = None
    arn: str | None = None
    principal_id: str | None = None
    account_id: str | None = None
    access_key_id: str | None = None
    user_name: str | None = None
    invoked_by: str | None = None
    identity_provider: str | None = None
    session_context: SessionContext | None = None
    in_scope_of: Scope | None = None


class Resource(Wire):
    """One of `resources`."""

    arn: str | None = msgspec.field(default=None, name="ARN")


class Instance(Wire):
    """One of `instancesSet.items`."""

    instance_id: str | None = None


class Instances(Wire):
    """`instancesSet`, in requests and answers alike."""

    items: list[Instance] | None = None


class Parameters(Wire):
    """`requestParameters`: first what names the resource (`SALIENT`, most telling first), then what lineage needs."""

    bucket_name: str | None = None
    secret_id: str | None = None
    role_arn: str | None = None
    role_name: str | None = None
    function_name: str | None = None
    key_id: str | None = None
    table_name: str | None = None
    queue_url: str | None = None
    topic_arn: str | None = None
    stream_name: str | None = None
    log_group_name: str | None = None
    repository_name: str | None = None
    cluster_name: str | None = None
    stack_name: str | None = None
    db_instance: str | None = msgspec.field(default=None, name="dBInstanceIdentifier")
    policy_arn: str | None = None
    resource_arn: str | None = None
    user_name: str | None = None
    group_name: str | None = None
    instance_id: str | None = None
    name: str | None = None
    access_key_id: str | None = None
    status: str | None = None
    role_session_name: str | None = None
    serial_number: str | None = None
    instances_set: Instances | None = None


class Credentials(Wire):
    """`responseElements.credentials` of AWS STS."""

    access_key_id: str | None = None
    expiration: str | None = None


class User(Wire):
    """`assumedRoleUser` or `federatedUser`."""

    arn: str | None = None


class AccessKey(Wire):
    """`responseElements.accessKey` of AWS IAM."""

    access_key_id: str | None = None


class Answer(Wire):
    """`responseElements` of the calls about credentials and instances."""

    credentials: Credentials | None = None
    assumed_role_user: User | None = None
    federated_user: User | None = None
    provider: str | None = None
    access_key: AccessKey | None = None
    instances_set: Instances | None = None


class Record(Wire):
    """One CloudTrail record. `user_identity` and `response_elements` stay undecoded until they are needed."""

    event_time: str = ""
    event_source: str = ""
    event_name: str = ""
    aws_region: str | None = None
    source_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    error_code: str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventID")
    recipient_account_id: str | None = None
    vpc_endpoint_id: str | None = None
    session_credential_from_console: str | bool | None = None
    user_identity: Raw = Raw()
    request_parameters: Parameters | None = None
    response_elements: Raw = Raw()
    resources: list[Resource] | None = None


class Probe(Wire):
    """Enough of a record to recognise it."""

    event_source: Raw = Raw()
    event_name: Raw = Raw()


RECORD: Final = msgspec.json.Decoder(Record)
IDENTITY: Final = msgspec.json.Decoder(UserIdentity)
ANSWER: Final = msgspec.json.Decoder(Answer)
PROBE: Final = msgspec.json.Decoder(Probe)
SALIENT: Final = Parameters.__struct_fields__[: Parameters.__struct_fields__.index("access_key_id")]
