"""Sessions of roles as the log sees them begin: who assumed the role, from where, and which key came of it."""

from __future__ import annotations

from detector.simulate.call import Action, Caller, Context
from detector.simulate.formats.cloudtrail import Identity, Json, Role, compact, issued, session
from detector.simulate.world import HOUR, World

ASSUME_ROLE = Action("sts", "AssumeRole")  # AWS itself calls it read-only


def assumed(
    world: World,
    parent: Caller,
    role: Role,
    name: str,
    second: int,
    context: Context,
    *,
    life: int = HOUR,
    external_id: str = "",
    churn: str = "",
) -> Identity:
    """`parent` assumes `role` at `second` as session `name` for `life` seconds: the session, its beginning logged."""
    request: Json = {"roleArn": role.arn, "roleSessionName": name, "durationSeconds": life}
    if external_id:
        request["externalId"] = external_id
    key = world.key()
    answer = issued(key, second + life, role, name)
    world.call(second, parent, ASSUME_ROLE, context, request=compact(request), response=answer, churn=churn)
    return session(role, name, key, second)


def other_account(home: str, account: str, role_id: str, name: str) -> Identity:
    """A caller of another account, as the log of `home` has it: by its id, without a key."""
    fields: Json = {"type": "AWSAccount", "principalId": f"{role_id}:{name}", "accountId": account}
    return Identity(home, f"{role_id}:{name}", "", compact(fields))
