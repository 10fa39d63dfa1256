from __future__ import annotations

import json
from typing import Any

import pytest

from detector.domain import KINDS, Activity, Outcome, UseRow
from detector.simulate.call import Action, Call, Context
from detector.simulate.formats.use import FAILURES, Identity, Statement
from detector.sources.use import Use

SECOND = 1_767_571_200
LOGIN = Action("auth", "login", read_only=False, resource="auth/approle/login")
TOKEN = Identity(
    "t00-vault", "auth/approle/pay/api-1", "accessor-1EXAMPLE", "vault.token", session="api-1-x", issuer="vault",
    instance="i-0", node="node-1", issued_at=SECOND - 60, expires_at=SECOND + 3_600, actor_class="workload",
)  # fmt: skip


def call(identity: Identity, context: Context | None = None, action: Action = LOGIN, error: str = "") -> Call:
    where = context or Context("198.18.0.1", 'agent "x" \\')
    return Call(SECOND, "11111111-1111-4111-a111-111111111111", identity, action, where, error)


def row(identity: Identity, **parts: Any) -> UseRow:
    reading = Use().read([identity.render(call(identity, **parts))], "unknown")
    assert not reading.rejected
    return reading.rows[0]


def test_a_record_is_read_as_what_its_identity_and_its_call_say() -> None:
    found = row(TOKEN)
    assert (found.realm, found.principal, found.session) == ("t00-vault", "auth/approle/pay/api-1", "api-1-x")
    assert (found.credential, KINDS[found.kind].label) == ("accessor-1EXAMPLE", "vault.token")
    assert (found.issuer, found.instance, found.node) == ("vault", "i-0", "node-1")
    assert (found.time, found.issued_at, found.expires_at) == tuple(
        second * 1_000_000 for second in (SECOND, SECOND - 60, SECOND + 3_600)
    )
    assert (found.address, found.client) == ("198.18.0.1", 'agent "x" \\')
    assert (found.action, found.resource) == ("auth:login", "auth/approle/login")
    assert (found.outcome, found.activity) == (Outcome.ALLOWED, Activity.USE)
    assert found.native_id == "11111111-1111-4111-a111-111111111111"


def test_what_is_not_known_is_not_written() -> None:
    bare = Identity("realm", "name", "key-EXAMPLE", "api-key")
    written = json.loads(bare.render(call(bare, action=Action("mail", "send"))))
    assert set(written) == {
        "realm", "principal", "credential", "kind", "time", "native_id", "address", "client", "action", "outcome",
    }  # fmt: skip


@pytest.mark.parametrize("activity", ["issue", "exchange", "renew", "revoke", "end"])
def test_an_identity_states_an_activity_and_stays_who_it_is(activity: Statement) -> None:
    stated = row(TOKEN.stating(activity, parent="secret-id-1EXAMPLE", expires_at=SECOND + 7_200, node="node-2"))
    assert stated.activity == Activity[activity.upper()]
    assert (stated.parent, stated.expires_at, stated.node) == ("secret-id-1EXAMPLE", (SECOND + 7_200) * 10**6, "node-2")
    assert (stated.principal, stated.credential) == (TOKEN.principal, TOKEN.credential)
    assert row(TOKEN).activity == Activity.USE


def test_a_refusal_of_rights_and_a_failure_are_told_apart() -> None:
    assert (row(TOKEN, error="permission denied").outcome, row(TOKEN, error="permission denied").error) == (
        Outcome.DENIED,
        "permission denied",
    )
    for error in FAILURES:
        assert row(TOKEN, error=error).outcome == Outcome.FAILED


def test_a_private_endpoint_is_the_channel() -> None:
    assert row(TOKEN, context=Context("10.0.0.1", "agent", "eu-west-1", "vpce-1")).channel == "vpce:vpce-1"


def test_all_records_go_to_one_log() -> None:
    assert TOKEN.log == TOKEN.stating("renew").log == "use"
