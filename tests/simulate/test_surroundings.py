from __future__ import annotations

from detector.simulate.call import Action
from detector.simulate.formats import use
from detector.simulate.surroundings import product
from detector.simulate.world import HOUR
from tests.simulate.scenarios.fleets import Scene


def test_a_thief_finds_when_each_owner_and_each_credential_calls() -> None:
    scene = Scene()
    owner = scene.principal("aws.access-key")
    old = scene.holding("aws.access-key", owner=owner, seconds=[scene.day(1), scene.day(2)])
    new = scene.holding("aws.access-key", owner=owner, seconds=[scene.day(2) + HOUR])
    seen = scene.fleet.surroundings
    assert seen.seconds[id(owner)] == [scene.day(1), scene.day(2), scene.day(2) + HOUR]
    assert seen.uses[id(old.caller)] == [scene.day(1), scene.day(2)]
    assert seen.uses[id(new.caller)] == [scene.day(2) + HOUR]


def test_a_client_is_known_from_the_day_somebody_runs_it_and_only_with_that_product() -> None:
    scene = Scene()
    holding = scene.holding("api-key", seconds=[scene.day(3)])
    (client,) = scene.fleet.surroundings.clients_of("api-key", scene.day(3))
    assert client == holding.habitat.releases.at(0)[0]
    assert scene.fleet.surroundings.clients_of("api-key", scene.day(2)) == []
    assert scene.fleet.surroundings.clients_of("github.pat", scene.day(4)) == []
    assert product("aws.session/instance") == product("aws.access-key") == "aws"


def test_malicious_calls_are_no_example() -> None:
    scene = Scene()
    holding = scene.holding("api-key", seconds=[scene.day(3)])
    call = scene.fleet.calls[0]
    scene.fleet.call(scene.day(4), call.caller, call.action, call.context._replace(client="mine"), theft=0)
    assert scene.fleet.surroundings.uses[id(holding.caller)] == [scene.day(3)]
    assert "mine" not in scene.fleet.surroundings.clients_of("api-key", scene.day(9))


def test_everybody_behind_one_way_out_is_counted_once() -> None:
    scene = Scene()
    gateway = scene.gateway()
    owner = scene.principal("aws.access-key")
    for holder in (owner, owner, scene.principal("aws.access-key")):
        scene.holding("aws.access-key", owner=holder, egress=gateway, seconds=[])
    assert scene.fleet.surroundings.sharers[id(gateway)] == 2


def test_what_was_stated_about_a_credential_is_found_by_its_id() -> None:
    scene = Scene()
    holding = scene.holding("vault.token", seconds=[scene.day(3)])
    assert isinstance(holding.caller, use.Identity)
    context = scene.fleet.calls[0].context
    for activity in ("renew", "exchange", "revoke"):
        scene.fleet.call(scene.day(4), holding.caller.stating(activity), Action("token", activity), context)
    seen = scene.fleet.surroundings
    assert seen.renewals[holding.credential].action.name == "renew"
    assert [call.action.name for call in seen.exchanges[holding.credential]] == ["exchange"]
    assert [call.action.name for call in seen.withdrawals["vault"]] == ["revoke"]
