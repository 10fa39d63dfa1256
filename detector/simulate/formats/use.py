"""One simulated call as documented `use` JSON: every kind of credential whose log has no source of its own yet.

An `Identity` is the caller: who holds which credential. A row is a use of it unless its identity states something else:

    identity = Identity("t00-vault", "auth/approle/pay/api-1", "hmac-81f0", "vault.token", expires_at=...)
    fleet.call(second, identity, action, context)                                           # a use
    fleet.call(second, identity.stating("renew", expires_at=later), RENEW, context)         # its lease is longer now
    fleet.call(second, identity.stating("revoke"), REVOKE, admin)                           # accepted afterwards = R10
    fleet.call(second, identity.stating("exchange"), LOGIN, context)                        # an assertion is traded in
    fleet.call(second, identity.stating("end"), STOPPED, context)                           # its workload is gone
    fleet.call(second, child.stating("issue", parent=identity.credential), TOKEN, context)  # `child` was handed out

`stating` makes a new caller. Make it once and keep it where many rows share it; malicious rows give it to
`Play.use(..., caller=...)`, benign ones to `fleet.call`, after `fleet.callers[id(caller)] = principal` where a silenced
owner must fall silent with it (`detector.simulate.lifecycle.state` does both).

`exchange` and `renew` are judged like uses; `issue`, `revoke` and `end` only change what is known. Regions are left
out: most of these logs have none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal

from detector.simulate.call import Call, stamp

Statement = Literal["use", "issue", "exchange", "renew", "revoke", "end"]
# What a service answers when it fails; any other error is a refusal of rights.
FAILURES: Final = frozenset({"not_found", "rate_limited", "timeout", "unavailable", "conflict"})
_quoted = lru_cache(maxsize=16_384)(json.dumps)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, by which credential. Times are seconds since 1970; 0 and "" = the log does not say.

    `kind` is a label of `detector.domain.KINDS`; `activity` is what its rows state, `parent` the credential that one
    was issued to. Everything here is written once, as the beginning of every record.
    """

    realm: str
    principal: str
    credential: str
    kind: str
    session: str = ""
    peer_group: str = ""
    issuer: str = ""
    instance: str = ""
    node: str = ""
    issued_at: int = 0
    expires_at: int = 0
    actor_class: str = ""
    activity: Statement = "use"
    parent: str = ""
    _beginning: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Write what all records of the identity begin with."""
        fields: dict[str, object] = {
            "realm": self.realm, "principal": self.principal, "session": self.session, "credential": self.credential,
            "kind": self.kind, "peer_group": self.peer_group, "issuer": self.issuer, "instance": self.instance,
            "node": self.node, "issued_at": self.issued_at, "expires_at": self.expires_at,
            "actor_class": self.actor_class, "activity": "" if self.activity == "use" else self.activity,
            "parent": self.parent,
        }  # fmt: skip
        known = {name: value for name, value in fields.items() if value}
        object.__setattr__(self, "_beginning", json.dumps(known, separators=(",", ":"))[:-1])

    @property
    def log(self) -> str:
        """One log for all: records name their realm."""
        return "use"

    def stating(
        self, activity: Statement, *, parent: str = "", expires_at: int = 0, node: str = "", credential: str = ""
    ) -> Identity:
        """The same identity in rows that state `activity`; what else is given replaces what it says."""
        return replace(
            self,
            activity=activity,
            parent=parent or self.parent,
            expires_at=expires_at or self.expires_at,
            node=node or self.node,
            credential=credential or self.credential,
        )

    def render(self, call: Call) -> bytes:
        """The record as the use source documents it, on one line."""
        action, context, error = call.action, call.context, call.error
        answer = "allowed" if not error else "failed" if error in FAILURES else "denied"
        reason = f',"error":{_quoted(error)}' if error else ""
        channel = f'"channel":"vpce:{context.endpoint}",' if context.endpoint else ""
        resource = f'"resource":{_quoted(action.resource)},' if action.resource else ""
        return (
            f'{self._beginning},"time":"{stamp(call.second)}","native_id":"{call.event_id}",'
            f'"address":"{context.address}","client":{_quoted(context.client)},{channel}'
            f'"action":"{action.service}:{action.name}",{resource}"outcome":"{answer}"{reason}}}'
        ).encode()
