from __future__ import annotations

import json

from detector.simulate.scenarios.o12_persistence import Persistence
from detector.simulate.world import HOUR
from tests.simulate.scenarios.scope_fleets import Played, stolen, suits


def of_several_seeds(kind: str) -> list[Played]:
    return [stolen(Persistence(), kind, "S0", seed=seed) for seed in range(1, 9)]


def test_a_new_key_is_made_with_the_stolen_credential() -> None:
    for played in of_several_seeds("aws.session/instance"):
        answers = [json.loads(call.response) for call in played.by_victim if call.response != "null"]
        assert [list(answer) for answer in answers] == [["accessKey"]]


def test_some_thieves_come_back_with_it_hours_later_and_from_elsewhere() -> None:
    came, stayed_away = [], 0
    for played in of_several_seeds("aws.access-key"):
        came += [played] if played.made else []
        stayed_away += not played.made

    assert came
    assert stayed_away
    for played in came:
        assert played.made[0].second - played.by_victim[-1].second > HOUR / 2
        assert {call.context.address for call in played.made}.isdisjoint(
            {call.context.address for call in played.by_victim}
        )


def test_where_tokens_have_siblings_the_issue_is_logged_with_its_parent() -> None:
    played = stolen(Persistence(), "entra.client-secret", "S1")

    issued = [record for call in played.made if "activity" in (record := json.loads(call.caller.render(call)))]
    assert [record["activity"] for record in issued] == ["issue"]
    assert issued[0]["parent"] == played.victim.credential
    assert issued[0]["credential"] != played.victim.credential
    assert len(issued[0]["credential"]) == len(played.victim.credential)


def test_it_needs_a_way_to_stay() -> None:
    assert not suits(Persistence(), "api-key")
