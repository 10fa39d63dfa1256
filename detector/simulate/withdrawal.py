"""A credential is withdrawn while somebody has a copy: what the log says of it, and what the owner uses from then on.

In CloudTrail somebody who is signed in creates a second key and switches the first off or deletes it; in `use` JSON
the product says that the credential is revoked. Credentials of other logs are not withdrawn by a logged call.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from detector.simulate.call import BENIGN, Action, Call, Caller, Context, stamp
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.formats import cloudtrail, use
from detector.simulate.minted import lookalike
from detector.simulate.rotation import CREATE_KEY, DELETE_KEY, UPDATE_KEY
from detector.simulate.surroundings import product
from detector.simulate.world import DAY, MINUTE

_CHURN: Final = "rotation"
_SWITCHED_OFF: Final = 0.6  # of withdrawn keys; the others are deleted
_CREATED: Final = re.compile(r'("creationDate":")[^"]+')
_TAKES_BACK: Final = re.compile("revoke|rotate|deactivate|delete|remove", re.IGNORECASE)


def withdraw(fleet: Fleet, holding: Holding, second: int) -> None:
    """Log that the credential of `holding` is withdrawn at `second`; its owner calls by a new one from then on."""
    caller = holding.caller
    if isinstance(caller, cloudtrail.Identity):
        key = fleet.key("AKIA")
        _say_in_cloudtrail(fleet, holding, caller, key, second)
        _hand_over(fleet, holding, key, second)
    elif isinstance(caller, use.Identity):
        action, context = _how(fleet, holding, second)
        fleet.call(second, caller.stating("revoke"), action, context, churn=_CHURN)
        _hand_over(fleet, holding, lookalike(fleet, caller.credential), second)


def succeeded(caller: Caller, credential: str, second: int) -> Caller:
    """The same caller by another credential, issued at `second` for as long as the one before."""
    if isinstance(caller, cloudtrail.Identity):
        fields = caller.json.replace(caller.key, credential)
        return replace(caller, key=credential, json=_CREATED.sub(rf"\g<1>{stamp(second)}", fields))
    if isinstance(caller, use.Identity):
        lasts = caller.expires_at - caller.issued_at if caller.issued_at and caller.expires_at else 0
        return replace(
            caller,
            credential=credential,
            issued_at=second if caller.issued_at else 0,
            expires_at=second + lasts if lasts else caller.expires_at,
        )
    return caller


def credential_of(caller: Caller) -> str:
    """The id of the credential that a caller of CloudTrail or of `use` JSON calls by; "" for any other."""
    if isinstance(caller, cloudtrail.Identity):
        return caller.key
    return caller.credential if isinstance(caller, use.Identity) else ""


def as_used(caller: Caller) -> Caller:
    """The same caller in rows that are uses, whatever it stated."""
    return caller.stating("use") if isinstance(caller, use.Identity) else caller


def _say_in_cloudtrail(fleet: Fleet, holding: Holding, caller: cloudtrail.Identity, key: str, second: int) -> None:
    """A second key is created, and some minutes to a day later the first is withdrawn, by whoever is at a desk then."""
    name = holding.principal.name.rpartition("/")[2]
    created = max(fleet.start, second - fleet.between(10 * MINUTE, DAY))
    answer = f'{{"accessKey":{{"accessKeyId":"{key}","status":"Active","userName":"{name}"}}}}'
    by, context = _desk(fleet, holding, created)
    fleet.call(
        created, by, CREATE_KEY, context, request=f'{{"userName":"{name}"}}', response=answer, churn=_CHURN
    )  # fmt: skip
    by, context = _desk(fleet, holding, second)
    if fleet.rng.random() < _SWITCHED_OFF:
        asked = f'{{"userName":"{name}","status":"Inactive","accessKeyId":"{caller.key}"}}'
        fleet.call(second, by, UPDATE_KEY, context, request=asked, churn=_CHURN)
    else:
        asked = f'{{"userName":"{name}","accessKeyId":"{caller.key}"}}'
        fleet.call(second, by, DELETE_KEY, context, request=asked, churn=_CHURN)


def _desk(fleet: Fleet, holding: Holding, second: int) -> tuple[Caller, Context]:
    """Who is signed in to the account about then, and from where; the owner itself where nobody ever is."""
    people = fleet.surroundings.desks.get(holding.principal.realm)
    if people:
        nearest = min(people, key=lambda call: abs(call.second - second))
        return nearest.caller, nearest.context
    ((context, _),) = holding.habitat.contexts(fleet, [second])
    return holding.caller, context


def _how(fleet: Fleet, holding: Holding, second: int) -> tuple[Action, Context]:
    """How the product's log words a revocation, and from where one is made, as near in time as there is one."""
    said = fleet.surroundings.withdrawals.get(product(holding.kind))
    if said:
        nearest = min(said, key=lambda call: abs(call.second - second))
        return nearest.action, nearest.context
    ((context, _),) = holding.habitat.contexts(fleet, [second])
    group = holding.principal.group
    known = (*group.unusual, *group.repertoire.actions, *group.repertoire.rare)
    named = next((action for action in known if _TAKES_BACK.search(action.name)), None)
    return named or Action(product(holding.kind), "revoke", read_only=False), context


def _hand_over(fleet: Fleet, holding: Holding, credential: str, second: int) -> None:
    """The owner's own calls from `second` on are made by `credential`."""
    heirs: dict[int, Caller] = {}
    for at, call in enumerate(fleet.calls):
        if call.second < second or call.theft != BENIGN or not _is_by(call, holding.credential):
            continue
        heir = heirs.get(id(call.caller))
        if heir is None:
            heir = heirs[id(call.caller)] = succeeded(call.caller, credential, second)
            fleet.callers[id(heir)] = holding.principal
        fleet.calls[at] = call._replace(caller=heir)


def _is_by(call: Call, credential: str) -> bool:
    revocation = isinstance(call.caller, use.Identity) and call.caller.activity == "revoke"
    return credential_of(call.caller) == credential and not revocation
