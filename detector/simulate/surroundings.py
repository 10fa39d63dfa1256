"""What benign callers do in a fleet, as somebody finds it who has broken in: habits to imitate, tools to hide among.

Thieves draw their clients from here, wait here for their victim's silence, and repeat here what was said about a
credential, so that nothing in a log is only theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.simulate.call import BENIGN, Action, Call
from detector.simulate.formats import cloudtrail, use

_ISSUED: Final = re.compile(r'"accessKeyId":"([^"]+)"')
_EXCHANGE: Final = "AssumeRoleWithWebIdentity"
_WITHDRAWAL: Final = ("DeleteAccessKey", "UpdateAccessKey")
_SIGNED_IN: Final = ":assumed-role/AWSReservedSSO_"


def product(kind: str) -> str:
    """Whose credentials those of `kind` (a label) are: `aws`, `k8s`, `github`, … Clients differ by it."""
    return kind.partition(".")[0]


@dataclass(slots=True)
class Surroundings:
    """Benign calls by what a thief wants to know. Owners and ways out are named by their `id`; times in seconds."""

    seconds: dict[int, list[int]] = field(default_factory=dict)  # owner → when it calls, in order
    done: dict[int, list[tuple[int, Action]]] = field(default_factory=dict)  # owner → what it did by itself, and when
    uses: dict[int, list[int]] = field(default_factory=dict)  # caller → when that credential is used, in order
    clients: dict[str, dict[str, int]] = field(default_factory=dict)  # product → user agent → when first seen
    sharers: dict[int, int] = field(default_factory=dict)  # way out → owners behind it
    lasting: dict[int, int] = field(default_factory=dict)  # way out → when the last workload behind it is gone
    exchanges: dict[str, list[Call]] = field(default_factory=dict)  # assertion, or the key issued for it → exchanges
    renewals: dict[str, Call] = field(default_factory=dict)  # credential → last renewal
    issues: dict[str, Call] = field(default_factory=dict)  # assertion → last issue of a credential for it
    withdrawals: dict[str, list[Call]] = field(default_factory=dict)  # product, or AWS account → keys withdrawn
    desks: dict[str, list[Call]] = field(default_factory=dict)  # AWS account → the first call of each person's session

    def clients_of(self, kind: str, second: int) -> list[str]:
        """User agents that call with credentials of such a product and were seen before `second`."""
        return [client for client, first in self.clients.get(product(kind), {}).items() if first <= second]


def observe(
    calls: Iterable[Call], owners: Mapping[int, tuple[int, str]], ways_out: Iterable[tuple[int, int, int]]
) -> Surroundings:
    """Look at `calls`. `owners`: id of a caller → id of its owner and kind; `ways_out`: (way out, owner, until)."""
    seen, people = Surroundings(), set[int]()
    for call in calls:
        if call.theft != BENIGN:
            continue
        caller = id(call.caller)
        owner, kind = owners.get(caller, (0, "aws" if call.caller.log == "cloudtrail" else ""))
        if owner:
            seen.seconds.setdefault(owner, []).append(call.second)
            seen.uses.setdefault(caller, []).append(call.second)
            if _is_plain(call):
                seen.done.setdefault(owner, []).append((call.second, call.action))
        if call.action.name != _EXCHANGE:  # what logs a job in makes no other call
            clients = seen.clients.setdefault(product(kind), {})
            clients[call.context.client] = min(call.second, clients.get(call.context.client, call.second))
        if isinstance(call.caller, use.Identity):
            if call.caller.activity != "use":
                _note_statement(seen, call, call.caller)
        elif isinstance(call.caller, cloudtrail.Identity):
            _note_lineage(seen, call, call.caller)
            if caller not in people and _SIGNED_IN in call.caller.arn:
                people.add(caller)
                seen.desks.setdefault(call.caller.account, []).append(call)
    for times in (*seen.seconds.values(), *seen.uses.values()):
        times.sort()
    _note_ways_out(seen, ways_out)
    return seen


def _note_ways_out(seen: Surroundings, ways_out: Iterable[tuple[int, int, int]]) -> None:
    behind = set[tuple[int, int]]()
    for egress, owner, until in ways_out:
        behind.add((egress, owner))
        seen.lasting[egress] = max(until, seen.lasting.get(egress, 0))
    for egress, _ in behind:
        seen.sharers[egress] = seen.sharers.get(egress, 0) + 1


def _is_plain(call: Call) -> bool:
    """Whether the call says all there is to it: no request of its own, no answer, nothing stated."""
    stated = isinstance(call.caller, use.Identity) and call.caller.activity != "use"
    return not (stated or call.error or call.request or call.response != "null")


def _note_statement(seen: Surroundings, call: Call, caller: use.Identity) -> None:
    match caller.activity:
        case "exchange":
            seen.exchanges.setdefault(caller.credential, []).append(call)
        case "renew":
            seen.renewals[caller.credential] = call
        case "issue":
            seen.issues[caller.parent] = call
        case "revoke":
            seen.withdrawals.setdefault(product(caller.kind), []).append(call)


def _note_lineage(seen: Surroundings, call: Call, caller: cloudtrail.Identity) -> None:
    if call.action.name == _EXCHANGE and (found := _ISSUED.search(call.response)):
        seen.exchanges.setdefault(found[1], []).append(call)
    elif call.action.name in _WITHDRAWAL and not call.error:
        seen.withdrawals.setdefault(caller.account, []).append(call)
