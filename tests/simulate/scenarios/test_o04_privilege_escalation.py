from __future__ import annotations

import json

import pytest

from detector.simulate.misuse import GRANTING
from detector.simulate.scenarios.o04_privilege_escalation import PrivilegeEscalation
from tests.simulate.scenarios.scope_fleets import stolen, suits

KINDS = ["aws.session/instance", "aws.access-key", "k8s.bound-token", "entra.client-secret"]


@pytest.mark.parametrize("kind", KINDS)
def test_rights_are_changed_before_a_made_credential_is_used(kind: str) -> None:
    played = stolen(PrivilegeEscalation(), kind, "S0")

    granting = set(GRANTING.operations(played.victim))
    changed = [call.second for call in played.by_victim if call.action in granting and not call.error]
    used = [call.second for call in played.made]
    assert changed
    assert len(used) >= 3
    assert min(changed) < min(used)
    assert {call.context.address for call in played.made} == {call.context.address for call in played.by_victim}


def test_in_cloudtrail_an_answer_names_the_key_that_is_used_afterwards() -> None:
    for seed in range(1, 5):
        played = stolen(PrivilegeEscalation(), "aws.session/instance", "S1", seed=seed)
        answers = [json.loads(call.response) for call in played.by_victim if call.response != "null"]
        parts = [answer.get("accessKey") or answer["credentials"] for answer in answers]
        keys = {part["accessKeyId"] for part in parts}
        records = [json.loads(call.caller.render(call)) for call in played.made]
        assert {record["userIdentity"]["accessKeyId"] for record in records} == keys


def test_the_made_credential_speaks_for_another_principal_which_the_theft_names() -> None:
    played = stolen(PrivilegeEscalation(), "k8s.bound-token", "S0")

    (theft,) = played.fleet.thefts
    assert theft.principals == ("system:serviceaccount:shop:api", "system:serviceaccount:platform:sync")
    assert len(theft.credentials) == 2


def test_it_needs_rights_that_can_be_changed() -> None:
    assert not suits(PrivilegeEscalation(), "api-key")
