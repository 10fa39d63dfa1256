from __future__ import annotations

from detector.simulate import rotation
from detector.simulate.clients import ENGINEER_CLI
from detector.simulate.desks import SignOn, permission_set, person
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat
from detector.simulate.formats.cloudtrail import user
from detector.simulate.habits import Releases
from detector.simulate.rotation import Tenure
from detector.simulate.world import DAY, HOUR
from tests.simulate.tenants import empty_tenant

HERE = Habitat(Egress.of("us-east-1", ["245.0.0.1"]), Releases([(0, ENGINEER_CLI, "")]))


def rotate(users: int) -> tuple[Fleet, SignOn, list[list[Tenure]]]:
    fleet, sites = empty_tenant()
    administrator = SignOn(person(fleet, sites, "ada"), permission_set(fleet, "111122223333", "IdentityAdministrator"))
    return fleet, administrator, [_keys(fleet, administrator, f"user-{number}") for number in range(users)]


def _keys(fleet: Fleet, administrator: SignOn, name: str, since: int = 0) -> list[Tenure]:
    return rotation.tenures(
        fleet,
        administrator,
        name,
        HERE,
        since=since,
        identity=lambda key: user("111122223333", "/", name, "AIDAEXAMPLE", key),
    )


def test_few_keys_are_rotated_in_three_weeks_and_both_are_good_for_some_hours_to_a_week() -> None:
    fleet, _, users = rotate(1000)
    rotated = [keys for keys in users if len(keys) == 2]
    retired = [keys for keys in users if len(keys) == 1 and keys[0].end < fleet.end + 10 * DAY]
    assert 0.01 < len(retired) / len(users) < 0.06
    assert 0.02 < len(rotated) / len(users) < 0.12
    for old, new in rotated:
        assert old.start < new.start < old.end < new.end
        assert HOUR < old.end - new.start < 11 * DAY


def test_administrators_change_keys_on_weekdays() -> None:
    fleet, _, _ = rotate(1000)
    created = [call.second for call in fleet.calls if call.action == rotation.CREATE_KEY]
    assert created
    zones = {(second // DAY + 3) % 7 for second in created}
    assert len(zones) >= 4
    assert len([second for second in created if (second // DAY + 3) % 7 >= 5]) < 0.15 * len(created)


def test_every_holder_moves_on_while_both_keys_are_good() -> None:
    fleet, _, users = rotate(1000)
    old, new = next(keys for keys in users if len(keys) == 2)
    moments = set()
    for _ in range(20):
        (start, until), (again, end) = rotation.moves(fleet, [old, new])
        assert (start, again, end) == (old.start, until, new.end)
        assert new.start < until <= old.end
        moments.add(until)
    assert len(moments) > 10


def test_a_user_who_appears_meanwhile_gets_a_key_at_once() -> None:
    fleet, administrator, _ = rotate(0)
    (key,) = _keys(fleet, administrator, "late", since=fleet.start + 5 * DAY)
    (call,) = fleet.calls
    assert key.start - HOUR < call.second < key.start
    assert key.identity.key in call.response
