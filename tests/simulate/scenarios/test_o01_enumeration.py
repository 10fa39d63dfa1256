from __future__ import annotations

import pytest

from detector.simulate.catalogue import AWS_ENUMERATION
from detector.simulate.scenarios.o01_enumeration import Enumeration
from tests.simulate.scenarios.scope_fleets import AGENT, stolen, suits

HOME = "241.0.10.7"


def test_many_different_questions_come_within_the_hour_from_the_victims_place() -> None:
    played = stolen(Enumeration(), "aws.session/instance", "S0", count=30)

    asked = {call.action for call in played.calls}
    assert len(asked) >= 20
    assert asked <= set(AWS_ENUMERATION)
    assert played.calls[-1].second - played.calls[0].second <= 3600
    assert {call.context.address for call in played.calls} == {HOME}
    assert all(call.context.client != AGENT for call in played.calls), "with a tool of the thief's own"


def test_who_hides_asks_among_the_victims_own_work_and_with_its_client() -> None:
    played = stolen(Enumeration(), "aws.session/instance", "S2", style="mimic", count=12)

    own = set(played.victim.principal.group.repertoire.actions)
    assert {call.context.client for call in played.calls} == {AGENT}
    assert len([call for call in played.calls if call.action in own]) > len(played.calls) / 2


@pytest.mark.parametrize("kind", ["aws.access-key", "k8s.bound-token", "entra.client-secret"])
def test_every_log_that_has_questions_is_asked_in_its_own_words(kind: str) -> None:
    played = stolen(Enumeration(), kind, "S0")

    assert len({call.action for call in played.calls}) >= 8
    assert {call.caller for call in played.calls} == {played.victim.caller}


def test_a_log_without_questions_is_left_alone() -> None:
    assert not suits(Enumeration(), "api-key")
