from __future__ import annotations

from detector.simulate.scenarios.o06_new_audience import NewAudience
from tests.simulate.scenarios.scope_fleets import OTHER, stolen, suits


def test_in_aws_a_role_of_another_account_is_assumed_and_used() -> None:
    played = stolen(NewAudience(), "aws.session/instance", "S1")

    (assumed,) = played.by_victim
    assert assumed.action.name == "AssumeRole"
    assert OTHER in assumed.request
    assert len(played.made) >= 3
    assert all(OTHER.encode() in call.caller.render(call) for call in played.made)
    assert played.fleet.thefts[0].principals[1] == f"arn:aws:iam::{OTHER}:role/audit#assumed"


def test_elsewhere_the_token_is_used_on_services_that_only_others_call() -> None:
    played = stolen(NewAudience(), "entra.client-secret", "S2", count=20)

    services = {action.service for action in played.victim.principal.group.repertoire.actions}
    foreign = [call for call in played.calls if call.action.service not in services]
    assert len(foreign) >= 3
    assert not played.made
    others = {action for group in played.fleet.groups for action in group.repertoire.actions}
    assert {call.action for call in played.calls} <= others


def test_where_nothing_else_is_in_reach_it_is_not_played() -> None:
    assert not suits(NewAudience(), "k8s.bound-token"), "both service accounts call the same services"
