"""Who a `userIdentity` says is calling: realm, principal, session, credential and its kind.

Only what AWS itself states counts, never what the caller chooses per request, such as the user agent: a thief must
not become another principal by naming another client. The same rules name the child of an `AssumeRole`, so that a
session's issue and its later uses carry the same principal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from detector.domain import KIND_CODE, KINDS, ActorClass
from detector.errors import RecordError
from detector.records import clean, clean_credential, optional_time, read_object
from detector.sources.aws.wire import (
    IDENTITY,
    Attributes,
    Scope,
    SessionContext,
    SessionIssuer,
    UserIdentity,
    WebIdentity,
)

ACCESS_KEY: Final = KIND_CODE["aws.access-key"]
SESSION: Final = {kind.variant: code for code, kind in enumerate(KINDS) if kind.name == "aws.session"}

_INSTANCE: Final = re.compile(r"i-[0-9a-f]{8,17}")
_TASK: Final = re.compile(r"[0-9a-f]{32}")
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)|AWS Internal")
_WORKLOADS: Final = frozenset(SESSION[variant] for variant in ("instance", "container", "function", "web-identity"))
# The service that assumes a role for a workload, or the type of workload AWS states, and what the session is then.
_HOLDER: Final = {
    "ec2.amazonaws.com": "instance",
    "ecs-tasks.amazonaws.com": "container",
    "lambda.amazonaws.com": "function",
    "AWS::ECS::Task": "container",
    "AWS::Lambda::Function": "function",
}
_TYPE_IN_ARN: Final = (
    (":assumed-role/", "AssumedRole"),
    (":federated-user/", "FederatedUser"),
    (":user/", "IAMUser"),
    (":root", "Root"),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller in the words of `UseRow`; `service` is the AWS service that calls on behalf, if one does."""

    realm: str
    account: str = ""
    principal: str = ""
    session: str = ""
    credential: str = ""
    kind: int = 0
    peer_group: str = ""
    issuer: str = ""
    instance: str = ""
    delivery: str = ""
    actor_class: int = ActorClass.UNKNOWN
    issued_at: int = 0
    service: str = ""
    user_name: str = ""


def caller_of(identity: bytes, home: str) -> Caller:
    """The caller of one record; `home` is its realm when the identity names no account. Never raises."""
    try:
        user = read_object(identity, IDENTITY)
    except RecordError:
        return Caller(home)
    account = clean(user.account_id or arn_account(user.arn or ""))
    realm = account or home
    context = user.session_context or SessionContext()
    attributes = context.attributes or Attributes()
    kind, principal, session, issuer = _principal(user, context, attributes, account)
    principal, session = clean(principal), clean(session)
    return Caller(
        realm=realm,
        account=account,
        principal=principal,
        session=session,
        credential=clean_credential(user.access_key_id or ""),
        kind=kind,
        peer_group=peer_group(realm, kind, principal),
        issuer=clean(issuer),
        instance=session if kind == SESSION["instance"] and is_instance(session) else "",
        delivery=clean(context.ec2_role_delivery or ""),
        actor_class=_actor_class(user, attributes, kind, principal),
        issued_at=optional_time(attributes.creation_date),
        service=clean(user.invoked_by or "") if is_service(user.invoked_by or "") else "",
        user_name=clean(user.user_name or ""),
    )


def _principal(
    user: UserIdentity, context: SessionContext, attributes: Attributes, account: str
) -> tuple[int, str, str, str]:
    """Kind, principal, session and issuer, by the type of the identity."""
    arn, name = user.arn or "", user.user_name or user.principal_id or ""
    kind, principal, session, issuer = 0, arn or user.principal_id or "", "", ""
    match user.type or next((name for mark, name in _TYPE_IN_ARN if mark in arn), ""):
        case "AssumedRole":
            kind, principal, session, issuer = _role_session(user, context)
        case "IAMUser" | "Root":
            kind = _kind_of_key(user.access_key_id or "", attributes)
            principal = arn or (f"arn:aws:iam::{account}:user/{name}" if name else "")
        case "FederatedUser":
            kind, session = SESSION["federation"], arn.rpartition("/")[2]
        case "WebIdentityUser" | "SAMLUser" as of:
            kind = SESSION["web-identity" if of == "WebIdentityUser" else "federation"]
            issuer = user.identity_provider or ""
            principal = f"{issuer}:{name}".strip(":")
        case "AWSService":
            principal = user.invoked_by or principal
        case "AWSAccount":
            principal = f"{account}/{user.principal_id or ''}".strip("/")
    return kind, principal, session, issuer


def _role_session(user: UserIdentity, context: SessionContext) -> tuple[int, str, str, str]:
    arn, session = user.arn or "", _session_name(user)
    provider = (context.web_id_federation_data or WebIdentity()).federated_provider or ""
    variant = session_variant(
        session,
        delivery=context.ec2_role_delivery or "",
        holder=(user.in_scope_of or Scope()).issuer_type or "",
        provider=provider,
    )
    issuer = context.session_issuer or SessionIssuer()
    role = issuer.arn or role_of(arn) or (user.principal_id or "").partition(":")[0]
    return SESSION[variant], role_principal(role, variant), session, provider


def _kind_of_key(key: str, attributes: Attributes) -> int:
    """The kind of a user's key: temporary ones begin with ASIA, or have a session that was created."""
    if not key:
        return 0
    temporary = key.startswith("ASIA") or (attributes.creation_date and not key.startswith("AKIA"))
    return SESSION["assumed"] if temporary else ACCESS_KEY


def _session_name(user: UserIdentity) -> str:
    """The role session name: the last part of `…:assumed-role/Role/name`, or of `AROA…:name`."""
    parts = (user.arn or "").split("/", 2)
    return parts[2] if len(parts) == 3 else (user.principal_id or "").partition(":")[2]


def _actor_class(user: UserIdentity, attributes: Attributes, kind: int, principal: str) -> int:
    if (
        user.type in {"SAMLUser", "IdentityCenterUser"}
        or is_true(attributes.mfa_authenticated)
        or is_sign_on(principal)
    ):
        return ActorClass.HUMAN
    return ActorClass.WORKLOAD if kind in _WORKLOADS or user.type == "AWSService" else ActorClass.UNKNOWN


def session_variant(session: str, *, delivery: str = "", holder: str = "", provider: str = "") -> str:
    """What holds a role session: instance, container, function, web-identity or assumed.

    `session` is its name, `delivery` the EC2 metadata version, `holder` the type of workload or the service that
    assumed the role for it, `provider` the web identity provider.
    """
    if is_instance(session) or delivery:
        return "instance"
    if holder in _HOLDER:
        return _HOLDER[holder]
    if _TASK.fullmatch(session):
        return "container"
    return "web-identity" if provider else "assumed"


def role_principal(role: str, variant: str) -> str:
    """The principal of a role's sessions of one variant: an instance profile and a person share a role, not a habit."""
    return f"{role}#{variant}" if role else ""


def role_of(arn: str) -> str:
    """The role ARN, without its path, of an assumed-role ARN; empty for any other."""
    head, mark, rest = arn.partition(":assumed-role/")
    if not mark:
        return ""
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


def peer_group(realm: str, kind: int, principal: str) -> str:
    """Realm, kind and owner path: `111122223333|aws.session/assumed|/app/`; empty without a principal."""
    if not principal:
        return ""
    name = principal.partition("#")[0].split(":", 5)[-1]
    first, last = name.find("/"), name.rfind("/")
    return f"{realm}|{KINDS[kind].label}|{name[first : last + 1] if 0 <= first < last else '/'}"


def arn_account(arn: str) -> str:
    """The account of an ARN; empty when it has none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else ""


def is_instance(session: str) -> bool:
    """Whether a session name is an EC2 instance id."""
    return _INSTANCE.fullmatch(session) is not None


def is_service(name: str) -> bool:
    """Whether a source address or an `invokedBy` is an AWS service."""
    return _SERVICE.fullmatch(name) is not None


def is_sign_on(principal: str) -> bool:
    """Whether a principal is a role of IAM Identity Center, which only people sign in to."""
    return "/AWSReservedSSO_" in principal


def is_workload(kind: int) -> bool:
    """Whether sessions of a kind are held by a workload by construction."""
    return kind in _WORKLOADS


def is_true(value: str | bool | None) -> bool:  # noqa: FBT001 - AWS writes both `true` and `"true"`
    """A boolean as AWS writes it."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
