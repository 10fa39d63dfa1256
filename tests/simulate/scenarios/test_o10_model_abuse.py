from __future__ import annotations

from detector.simulate.scenarios.o10_model_abuse import ModelAbuse
from detector.simulate.world import DAY
from tests.simulate.scenarios.scope_fleets import stolen, suits


def test_other_models_are_called_far_more_often_than_the_application_calls_its_own() -> None:
    played = stolen(ModelAbuse(), "api-key", "S0", count=12)

    own = [call for call in played.fleet.calls if call.caller is played.victim.caller and call.theft < 0]
    a_day = len(own) * DAY / (played.fleet.end - played.fleet.start)
    assert len(played.calls) > 3 * a_day
    assert {call.action.resource for call in played.calls} == {"medium", "large"}
    assert {call.action.text for call in played.calls} == {"llm:completions.create"}


def test_who_hides_calls_the_victims_model_as_well() -> None:
    played = stolen(ModelAbuse(), "api-key", "S2")

    assert {call.action.resource for call in played.calls} == {"small", "medium", "large"}


def test_only_keys_of_vendors_and_tokens_of_agents_are_played_on() -> None:
    assert not suits(ModelAbuse(), "aws.access-key")
    assert not suits(ModelAbuse(), "entra.client-secret")
