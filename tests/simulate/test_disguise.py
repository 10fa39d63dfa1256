from __future__ import annotations

import pytest

from detector.simulate import disguise
from detector.simulate.call import Action
from detector.simulate.clients import TOOLS, Sdk
from detector.simulate.disguise import Place
from tests.simulate.scenarios.fleets import Scene


@pytest.mark.parametrize(
    ("place", "networks"),
    [
        ("hosting", {"243"}),
        ("cloud", {"241"}),
        ("account", {"241"}),
        ("residential", {"244", "2001"}),
        ("runner", {"242"}),
        ("other-cloud", {"242"}),
        ("endpoint", {"10"}),
    ],
)
def test_every_place_has_addresses_that_benign_callers_have_too(place: Place, networks: set[str]) -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    for _ in range(30):
        address, endpoint = disguise.address(scene.fleet, victim, place)
        assert address.partition(".")[0].partition(":")[0] in networks
        assert bool(endpoint) == (place == "endpoint")


def test_a_neighbour_is_in_the_same_log_and_at_work() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    scene.holding("vault.token")
    scene.holding("aws.access-key", end=scene.day(5))
    neighbour = scene.holding("aws.access-key")
    for _ in range(20):
        foothold = disguise.foothold(scene.fleet, victim, "neighbour", scene.day(9), scene.day(10))
        assert foothold is not None
        assert foothold.habitat is neighbour.habitat


def test_who_has_the_choice_takes_a_neighbour_that_lasts() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    brief = scene.holding("aws.access-key", end=scene.day(9.5))
    lasting = [scene.holding("aws.access-key") for _ in range(3)]

    def found(end: float) -> set[int]:
        drawn = (disguise.foothold(scene.fleet, victim, "neighbour", scene.day(9), scene.day(end)) for _ in range(60))
        return {id(one.habitat) for one in drawn if one is not None}

    assert found(10) == {id(one.habitat) for one in lasting}
    assert id(brief.habitat) in found(9.4)


def test_a_neighbour_with_many_keys_is_not_met_more_often() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    busy, quiet = scene.principal("aws.access-key"), scene.principal("aws.access-key")
    many = [scene.holding("aws.access-key", owner=busy, seconds=[]) for _ in range(40)]
    one = scene.holding("aws.access-key", owner=quiet, seconds=[])
    drawn = [disguise.foothold(scene.fleet, victim, "neighbour", scene.day(9), scene.day(10)) for _ in range(100)]
    assert 30 < sum(found is not None and found.habitat is one.habitat for found in drawn) < 70
    assert len(many) == 40


def test_where_the_tenant_has_nobody_else_there_is_no_foothold() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    assert disguise.foothold(scene.fleet, victim, "neighbour", scene.day(9), scene.day(10)) is None
    assert disguise.foothold(scene.fleet, victim, "hosting", scene.day(9), scene.day(10)) is None


def test_what_logs_a_job_in_is_nobodys_disguise() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    ((context, _),) = victim.habitat.contexts(scene.fleet, [scene.day(1)])
    login = Action("sts", "AssumeRoleWithWebIdentity")
    scene.fleet.call(scene.day(1), victim.caller, login, context._replace(client="login/1.0"))
    assert "login/1.0" not in scene.fleet.surroundings.clients_of("aws.access-key", scene.day(9))


def test_a_tool_an_sdk_and_the_victims_client_are_told_by_stealth() -> None:
    scene = Scene()
    scene.passers_by()
    victim = scene.holding("aws.access-key")
    own = victim.habitat.releases.at(0)[0]
    drawn = {
        stealth: {disguise.client(scene.fleet, victim, stealth, scene.day(9)) for _ in range(60)}
        for stealth in ("S0", "S1", "S2", "S3")
    }
    assert drawn["S0"] <= set(TOOLS)
    assert len(drawn["S0"]) > 2
    assert drawn["S1"] == {Sdk.first(family).agent() for family in ("boto3", "go", "js")}
    assert drawn["S2"] == drawn["S3"] == {own}


def test_a_version_that_nobody_runs_yet_is_not_worn() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    later = Sdk.first("boto3").minor_update().agent()
    ((context, _),) = victim.habitat.contexts(scene.fleet, [scene.day(15)])
    action = victim.principal.group.repertoire.actions[0]
    scene.fleet.call(scene.day(2), victim.caller, action, context._replace(client=Sdk.first("boto3").agent()))
    scene.fleet.call(scene.day(15), victim.caller, action, context._replace(client=later))
    assert {disguise.client(scene.fleet, victim, "S1", scene.day(9)) for _ in range(40)}.isdisjoint({later})
    assert later in {disguise.client(scene.fleet, victim, "S1", scene.day(16)) for _ in range(40)}
