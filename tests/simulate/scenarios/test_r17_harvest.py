from __future__ import annotations

import pytest

from detector.simulate.call import Call
from detector.simulate.scenarios.r17_harvest import Harvest
from detector.simulate.truth import Stealth
from tests.simulate.scenarios.fleets import Scene


@pytest.mark.parametrize("stealth", ["S0", "S1", "S2"])
def test_one_origin_asks_of_every_credential_whose_it_is_within_two_minutes_of_the_leak(stealth: Stealth) -> None:
    scene = Scene()
    scene.passers_by()
    holdings = [scene.holding("aws.access-key") for _ in range(60)]
    begin = Harvest().begin(scene.fleet, holdings[0])
    assert begin is not None
    theft = scene.steal(Harvest(), stealth, holdings[0])
    stolen = scene.malicious()
    assert len({call.context.address for call in stolen}) == 1
    assert 5 <= len(theft.principals) == len(theft.credentials) <= 50
    first: dict[int, Call] = {}
    for call in stolen:
        first.setdefault(id(call.caller), call)
    assert {call.action.text for call in first.values()} == {"sts:GetCallerIdentity"}
    tried = [call.second for call in first.values()]
    assert max(tried) - min(tried) <= 60
    assert theft.seconds[0] == min(tried)


def test_principals_that_were_stolen_from_before_are_left_alone() -> None:
    scene = Scene()
    scene.passers_by()
    holdings = [scene.holding("aws.access-key") for _ in range(20)]
    first, second = (scene.steal(Harvest(), "S1", holding) for holding in (holdings[0], holdings[-1]))
    assert not set(first.principals[1:]) & set(second.principals[1:])


def test_a_log_without_such_a_question_is_asked_by_what_it_has() -> None:
    scene = Scene()
    holdings = [scene.holding("api-key") for _ in range(6)]
    scene.steal(Harvest(), "S1", holdings[0])
    first = {id(call.caller): call.action for call in reversed(scene.malicious())}
    assert all(action.name == "whoami" or action.read_only for action in first.values())
