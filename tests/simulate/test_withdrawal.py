from __future__ import annotations

import json

from detector.simulate.call import Action
from detector.simulate.formats import cloudtrail, use
from detector.simulate.withdrawal import succeeded, withdraw
from tests.simulate.scenarios.fleets import Scene


def test_a_person_who_is_signed_in_creates_a_second_key_and_withdraws_the_first() -> None:
    scene = Scene()
    role = cloudtrail.Role(scene.realm, "/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Admin_0", "AROAEXAMPLE")
    person = cloudtrail.session(role, "ada@example.com", "ASIAEXAMPLE", scene.day(1))
    victim = scene.holding("aws.access-key")
    context = scene.fleet.calls[0].context
    scene.fleet.call(scene.day(9), person, Action("iam", "ListUsers"), context)
    withdraw(scene.fleet, victim, scene.day(10))
    said = [call for call in scene.fleet.calls if call.caller is person][1:]
    created, withdrawn = sorted(said, key=lambda call: call.second)
    assert created.action.name == "CreateAccessKey"
    assert withdrawn.action.name in {"DeleteAccessKey", "UpdateAccessKey"}
    assert withdrawn.second == scene.day(10)
    assert json.loads(withdrawn.request)["accessKeyId"] == victim.credential
    new = json.loads(created.response)["accessKey"]["accessKeyId"]
    used = {call.caller.key for call in scene.fleet.calls if isinstance(call.caller, cloudtrail.Identity)}
    assert new in used


def test_the_owners_uses_before_are_by_the_old_credential_and_after_by_a_new_one() -> None:
    scene = Scene()
    victim = scene.holding("github.pat")
    withdraw(scene.fleet, victim, scene.day(10))
    by: dict[bool, set[str]] = {True: set(), False: set()}
    for call in scene.fleet.calls:
        assert isinstance(call.caller, use.Identity)
        if call.caller.activity == "use":
            by[call.second < scene.day(10)].add(call.caller.credential)
    assert by[True] == {victim.credential}
    assert len(by[False]) == 1
    assert by[False].isdisjoint(by[True])


def test_a_successor_is_silent_with_its_owner() -> None:
    scene = Scene()
    victim = scene.holding("github.pat")
    withdraw(scene.fleet, victim, scene.day(10))
    scene.fleet.silence(victim.principal, scene.day(11), scene.day(12))
    scene.fleet.finish()
    assert not [call for call in scene.fleet.calls if scene.day(11) <= call.second < scene.day(12)]
    assert [call for call in scene.fleet.calls if call.second >= scene.day(12)]


def test_a_successor_lives_as_long_as_what_it_succeeds() -> None:
    identity = use.Identity("realm", "app", "id-1", "vault.token", issued_at=100, expires_at=400)
    heir = succeeded(identity, "id-2", 1_000)
    assert isinstance(heir, use.Identity)
    assert (heir.credential, heir.issued_at, heir.expires_at) == ("id-2", 1_000, 1_300)
    role = cloudtrail.Role("111122223333", "/web/", "web", "AROAEXAMPLE")
    session = succeeded(cloudtrail.session(role, "i-0", "ASIAONEEXAMPLE", 0), "ASIATWOEXAMPLE", 86_400)
    assert isinstance(session, cloudtrail.Identity)
    assert "ASIAONEEXAMPLE" not in session.json
    assert json.loads(session.json)["sessionContext"]["attributes"]["creationDate"] == "1970-01-02T00:00:00Z"
