"""Credentials that a thief makes with a stolen one, their making logged as each source logs it.

A made credential is a `Holding` that its fleet does not remember: it has no owner who works with it, and nobody steals
it. Where it speaks for somebody, that is another principal of the same realm, as it is in real escalations.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from detector.errors import InternalError
from detector.simulate.call import Action, Context
from detector.simulate.fleet import Fleet, Holding, Principal
from detector.simulate.formats import kubernetes
from detector.simulate.formats.cloudtrail import Identity, Role, compact, issued, session, user
from detector.simulate.formats.kubernetes import Subject, pod_token
from detector.simulate.formats.use import Identity as UseIdentity
from detector.simulate.play import Play
from detector.simulate.sessions import ASSUME_ROLE
from detector.simulate.world import DAY, HOUR

CREATE_KEY: Final = Action("iam", "CreateAccessKey", read_only=False)
_TOKEN_REQUEST: Final = "create serviceaccounts/token"  # noqa: S105 - an operation
_DRAWN: Final = len("123456789EXAMPLE")  # the end of every id, whatever is before it


def can_assume(fleet: Fleet, by: Holding, *, elsewhere: bool) -> bool:
    """Whether there is a role that `by` could assume: of another principal, in its account or `elsewhere`."""
    return by.caller.log == "cloudtrail" and any(
        _assumable(fleet, one, by, elsewhere=elsewhere) for one in fleet.holdings
    )


def assume(play: Play, by: Holding, second: int, context: Context, *, elsewhere: bool = False) -> Holding:
    """A session of another principal's role, assumed with `by`; its account is another one if `elsewhere`.

    Whoever's role it is counts as stolen from, so that a principal has one thief at most.

    Raises InternalError where `can_assume` says False.
    """
    fleet, candidates = play.fleet, _sessions(play.fleet, by, elsewhere=elsewhere)
    if not candidates:
        raise InternalError("expected a role session of another principal")
    known = candidates[fleet.between(0, len(candidates))]
    fleet.stolen.add(id(known.principal))
    role = _role(known)
    name, key, end = f"botocore-session-{second}", fleet.key(), second + HOUR
    request = compact({"roleArn": role.arn, "roleSessionName": name, "durationSeconds": HOUR})
    play.use(second, context, ASSUME_ROLE, holding=by, request=request, response=issued(key, end, role, name))
    caller = session(role, name, key, second)
    owner = replace_owner(by.principal, f"arn:aws:iam::{role.account}:role/{role.name}#assumed", role.account)
    return Holding(owner, caller, key, "aws.session/assumed", second, end, by.habitat, session=name)


def access_key(play: Play, by: Holding, second: int, context: Context) -> Holding:
    """A second access key for a user of the same account: one whose key is in the fleet, else one made up."""
    fleet = play.fleet
    users = [
        one
        for one in fleet.holdings
        if one.kind == "aws.access-key" and _free(fleet, one) and one.principal.realm == by.principal.realm
    ]
    key = fleet.key("AKIA")
    if users:
        known = users[fleet.between(0, len(users))]
        fleet.stolen.add(id(known.principal))
        fields = _fields(known)
        owner, account = known.principal, str(fields["accountId"])
        caller = Identity(account, str(fields["arn"]), key, compact({**fields, "accessKeyId": key}))
        name = str(fields["userName"])
    else:
        account, name = by.principal.realm, f"svc-{fleet.hex(4)}"
        owner = replace_owner(by.principal, f"arn:aws:iam::{account}:user/{name}", account)
        caller = user(account, "/", name, fleet.key("AIDA"), key)
    answer = compact({"accessKey": {"accessKeyId": key, "status": "Active", "userName": name}})
    play.use(second, context, CREATE_KEY, holding=by, request=compact({"userName": name}), response=answer)
    return Holding(owner, caller, key, "aws.access-key", second, second + 400 * DAY, by.habitat)


def account_token(play: Play, by: Holding, second: int, context: Context) -> Holding:
    """A token of another service account of the same cluster, good for a day, bound to nothing."""
    fleet, caller = play.fleet, by.caller
    cluster = caller.log.partition(".")[2]
    near = [
        one
        for one in fleet.holdings
        if one.kind == "k8s.bound-token" and _free(fleet, one) and one.caller.log == caller.log
    ]
    known = near[fleet.between(0, len(near))] if near else by
    fleet.stolen.add(id(known.principal))
    fields = _fields(known)
    namespace, _, account = str(fields["username"]).removeprefix("system:serviceaccount:").partition(":")
    token = f"JTI={_uuid(fleet)}"
    made = pod_token(cluster, namespace, account, str(fields.get("uid", "")), token)
    action = Action("core", _TOKEN_REQUEST, read_only=False, resource=f"{namespace}/{account}")
    play.use(second, context, action, holding=by, response=kubernetes.issued(token))
    return Holding(known.principal, made, token, "k8s.bound-token", second, second + DAY, by.habitat)


def sibling(play: Play, by: Holding, second: int, context: Context, action: Action) -> Holding:
    """Another credential of the same kind for the same principal, issued to the stolen one (`use` JSON)."""
    caller = by.caller
    if not isinstance(caller, UseIdentity):
        raise InternalError(f"expected a caller of the use log, found one of {caller.log}")
    fresh = lookalike(play.fleet, by.credential)
    end = second + (by.end - by.start)
    made = replace(caller, credential=fresh, issued_at=second if caller.issued_at else 0,
                   expires_at=end if caller.expires_at else 0)  # fmt: skip
    play.use(second, context, action, holding=by)
    play.use(second, context, action, holding=by, caller=made.stating("issue", parent=by.credential))
    return replace(by, caller=made, credential=fresh, start=second, end=end, until=0, workload_end=0)


def mint(play: Play, by: Holding, second: int, context: Context, action: Action) -> Holding:
    """A credential of the kind that the victim's log has; `action` is what a product without rules of ours calls it."""
    if isinstance(by.caller, UseIdentity):
        return sibling(play, by, second, context, action)
    if isinstance(by.caller, Subject):
        return account_token(play, by, second, context)
    return access_key(play, by, second, context)


def lookalike(fleet: Fleet, text: str) -> str:
    """A fresh id of the same shape as `text`, which some fleet drew (`World.key`)."""
    return fleet.key(text[:-_DRAWN])


def replace_owner(like: Principal, name: str, realm: str) -> Principal:
    """A principal that works as `like` does, under another name and realm."""
    return replace(like, name=name, group=replace(like.group, realm=realm))


def _sessions(fleet: Fleet, by: Holding, *, elsewhere: bool) -> list[Holding]:
    """One session of each principal whose role `by` could assume."""
    found: dict[int, Holding] = {}
    for one in fleet.holdings:
        if _assumable(fleet, one, by, elsewhere=elsewhere):
            found.setdefault(id(one.principal), one)
    return list(found.values())


def _assumable(fleet: Fleet, one: Holding, by: Holding, *, elsewhere: bool) -> bool:
    """Whether `one` is a role session of another principal, in the account of `by` or, `elsewhere`, in another one."""
    return (
        one.kind.startswith("aws.session")
        and one.kind != "aws.session/federation"
        and one.principal is not by.principal
        and _free(fleet, one)
        and (one.principal.realm != by.principal.realm) == elsewhere
    )


def _free(fleet: Fleet, one: Holding) -> bool:
    """Whether nobody has stolen from its principal; the victim itself is stolen from."""
    return id(one.principal) not in fleet.stolen


def _role(holding: Holding) -> Role:
    issuer = _fields(holding)["sessionContext"]["sessionIssuer"]
    _, _, rest = str(issuer["arn"]).partition(":role/")
    path, _, name = rest.rpartition("/")
    return Role(str(issuer["accountId"]), f"/{path}/" if path else "/", name, str(issuer["principalId"]))


def _fields(holding: Holding) -> dict[str, Any]:
    """What the log says of the caller, without the call."""
    caller = holding.caller
    if not isinstance(caller, Identity | Subject):
        raise InternalError(f"expected a caller of CloudTrail or of a cluster, found one of {caller.log}")
    fields: dict[str, Any] = json.loads(caller.json)
    return fields


def _uuid(fleet: Fleet) -> str:
    digits = fleet.hex(32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
