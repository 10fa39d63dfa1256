"""What a call does to other credentials: sessions and keys issued, keys withdrawn, instances ended.

Each effect turns the caller's own row into further rows of the same record. Only calls that succeeded have effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from detector.domain import Activity, ActorClass, Flag, UseRow
from detector.errors import RecordError
from detector.records import clean, clean_credential, optional_time, read_object
from detector.sources.aws.identity import (
    ACCESS_KEY,
    SESSION,
    Caller,
    arn_account,
    is_instance,
    is_sign_on,
    is_workload,
    peer_group,
    role_of,
    role_principal,
    session_variant,
)
from detector.sources.aws.wire import ANSWER, Answer, Parameters, Record, User

Effect = Callable[[Record, Parameters, Answer, Caller, UseRow], list[UseRow]]


def effects_of(record: Record, caller: Caller, row: UseRow) -> list[UseRow]:
    """The further rows of a call that succeeded, `use_index` counting on from the caller's `row`. Never raises."""
    service, effect = EFFECTS[record.event_name]
    if record.event_source != service:
        return []
    try:
        answer = read_object(bytes(record.response_elements), ANSWER)
    except RecordError:
        answer = Answer()
    return effect(record, record.request_parameters or Parameters(), answer, caller, row)


def _session_of_role(record: Record, asked: Parameters, answer: Answer, caller: Caller, row: UseRow) -> list[UseRow]:
    user = (answer.assumed_role_user or User()).arn or ""
    role = asked.role_arn or role_of(user)
    session = clean(asked.role_session_name or user.rpartition("/")[2])
    provider = (answer.provider or caller.issuer) if record.event_name == "AssumeRoleWithWebIdentity" else ""
    variant = session_variant(session, holder=caller.service, provider=provider)
    kind, principal = SESSION[variant], clean(role_principal(role, variant))
    by_person = record.event_name == "AssumeRoleWithSAML" or bool(asked.serial_number) or is_sign_on(principal)
    realm = clean(arn_account(role) or arn_account(user)) or caller.realm
    return _issued_session(
        answer,
        row._replace(
            realm=realm,
            account=realm,
            principal=principal,
            session=session,
            kind=kind,
            issuer=clean(provider),
            instance=session if is_instance(session) else "",
            actor_class=_class_of_child(kind, by_person=by_person),
        ),
        row,
    )


def _session_of_user(_record: Record, asked: Parameters, answer: Answer, _caller: Caller, row: UseRow) -> list[UseRow]:
    kind = SESSION["assumed"]
    child = row._replace(kind=kind, actor_class=_class_of_child(kind, by_person=bool(asked.serial_number)))
    return _issued_session(answer, child, row)


def _federated_session(
    _record: Record, _asked: Parameters, answer: Answer, caller: Caller, row: UseRow
) -> list[UseRow]:
    user = clean((answer.federated_user or User()).arn or "")
    realm = arn_account(user) or caller.realm
    kind = SESSION["federation"]
    child = row._replace(
        realm=realm,
        account=realm,
        principal=user,
        session=user.rpartition("/")[2],
        kind=kind,
        actor_class=_class_of_child(kind, by_person=False),
    )
    return _issued_session(answer, child, row)


def _issued_session(answer: Answer, child: UseRow, row: UseRow) -> list[UseRow]:
    """The issue of the session in `answer`, to `child`; nothing when the answer holds none."""
    if answer.credentials is None or not answer.credentials.access_key_id:
        return []
    return [
        child._replace(
            use_index=1,
            activity=Activity.ISSUE,
            credential=clean_credential(answer.credentials.access_key_id),
            parent=row.credential,
            peer_group=peer_group(child.realm, child.kind, child.principal),
            delivery="",
            flags=Flag.NONE,
            issued_at=row.time,
            expires_at=optional_time(answer.credentials.expiration),
        )
    ]


def _class_of_child(kind: int, *, by_person: bool) -> int:
    if by_person:
        return ActorClass.HUMAN
    return ActorClass.WORKLOAD if is_workload(kind) else ActorClass.UNKNOWN


def _key_created(_record: Record, asked: Parameters, answer: Answer, caller: Caller, row: UseRow) -> list[UseRow]:
    key = (answer.access_key.access_key_id if answer.access_key else "") or ""
    return (
        [_of_key(key, asked, caller, row)._replace(activity=Activity.ISSUE, parent=row.credential, issued_at=row.time)]
        if key
        else []
    )


def _key_deleted(_record: Record, asked: Parameters, _answer: Answer, caller: Caller, row: UseRow) -> list[UseRow]:
    key = asked.access_key_id or ""
    return [_of_key(key, asked, caller, row)._replace(activity=Activity.REVOKE)] if key else []


def _key_updated(_record: Record, asked: Parameters, _answer: Answer, caller: Caller, row: UseRow) -> list[UseRow]:
    key, status = asked.access_key_id or "", (asked.status or "").lower()
    if key and status == "inactive":
        return [_of_key(key, asked, caller, row)._replace(activity=Activity.REVOKE)]
    if key and status == "active":
        return [_of_key(key, asked, caller, row)._replace(activity=Activity.DECLARE, flags=Flag.REACTIVATED)]
    return []


def _of_key(key: str, asked: Parameters, caller: Caller, row: UseRow) -> UseRow:
    """A row about an access key: the owner is the named user, else the caller."""
    account = caller.account or row.account
    if not asked.user_name or asked.user_name == caller.user_name:
        owner = caller.principal if "#" not in caller.principal else ""
    elif account:
        partition = caller.principal.split(":")[1] if caller.principal.startswith("arn:") else "aws"
        owner = clean(f"arn:{partition}:iam::{account}:user/{asked.user_name}")
    else:
        owner = ""
    return row._replace(
        use_index=1,
        account=account,
        realm=caller.realm,
        principal=owner,
        session="",
        credential=clean_credential(key),
        kind=ACCESS_KEY,
        peer_group=peer_group(caller.realm, ACCESS_KEY, owner),
        issuer="",
        instance="",
        delivery="",
        actor_class=ActorClass.UNKNOWN,
        flags=Flag.NONE,
        issued_at=0,
        expires_at=0,
    )


def _instances_ended(_record: Record, asked: Parameters, answer: Answer, _caller: Caller, row: UseRow) -> list[UseRow]:
    listed = answer.instances_set or asked.instances_set
    ids = [instance.instance_id for instance in (listed.items or [] if listed else []) if instance.instance_id]
    ended = row._replace(
        activity=Activity.END,
        realm=row.account or row.realm,
        principal="",
        session="",
        credential="",
        peer_group="",
        issuer="",
        delivery="",
        kind=0,
        actor_class=ActorClass.UNKNOWN,
        flags=Flag.NONE,
        issued_at=0,
    )
    return [
        ended._replace(use_index=index, instance=clean(instance))
        for index, instance in enumerate(dict.fromkeys(ids), start=1)
    ]


EFFECTS: Final[dict[str, tuple[str, Effect]]] = {
    "AssumeRole": ("sts.amazonaws.com", _session_of_role),
    "AssumeRoleWithSAML": ("sts.amazonaws.com", _session_of_role),
    "AssumeRoleWithWebIdentity": ("sts.amazonaws.com", _session_of_role),
    "GetSessionToken": ("sts.amazonaws.com", _session_of_user),
    "GetFederationToken": ("sts.amazonaws.com", _federated_session),
    "CreateAccessKey": ("iam.amazonaws.com", _key_created),
    "DeleteAccessKey": ("iam.amazonaws.com", _key_deleted),
    "UpdateAccessKey": ("iam.amazonaws.com", _key_updated),
    "TerminateInstances": ("ec2.amazonaws.com", _instances_ended),
}
