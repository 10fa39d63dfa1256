from __future__ import annotations

from collections import defaultdict

from detector.simulate.desks import Person, SignOn, permission_set, person
from detector.simulate.fleet import Fleet
from detector.simulate.world import DAY, HOUR
from tests.simulate.tenants import empty_tenant


def crowd(trips: float = 0.05) -> tuple[Fleet, list[Person]]:
    fleet, sites = empty_tenant(trips=trips)
    return fleet, [person(fleet, sites, f"someone-{number}") for number in range(60)]


def test_half_of_homes_have_another_privacy_address_every_day_in_one_prefix() -> None:
    fleet, people = crowd(trips=0.0)
    prefixes, addresses = defaultdict(set), defaultdict(set)
    for someone in people:
        for second in range(fleet.start, fleet.end, HOUR):
            for address in someone.egress.at(second).addresses:
                if ":" in address:
                    prefixes[someone.name].add(address.rpartition("::")[0])
                    addresses[someone.name].add(address)
    assert 10 < len(prefixes) < 45
    assert {len(found) for found in prefixes.values()} == {1}
    assert min(len(found) for found in addresses.values()) >= 15


def test_a_trip_lasts_days_and_ends_at_home() -> None:
    fleet, people = crowd(trips=0.1)
    away = [
        [
            second
            for second in range(fleet.start, fleet.end, DAY)
            if someone.egress.at(second + 12 * HOUR).churn == "trip"
        ]
        for someone in people
    ]
    assert len([days for days in away if days]) > 20
    assert not [days for days in away if len(days) >= 20]


def test_some_are_in_an_office_by_day_and_nobody_by_night() -> None:
    fleet, people = crowd(trips=0.0)

    def offices(hour: int) -> int:
        return sum(
            someone.egress.at(someone.midnight(fleet.start + 3 * DAY) + hour * HOUR).addresses[0].startswith("245.")
            for someone in people
        )

    assert offices(12) > 5
    assert offices(2) == 0


def test_people_type_in_bursts_by_day_at_about_the_rate_asked_for() -> None:
    fleet, people = crowd()
    seconds = [someone.sittings(fleet, fleet.start, fleet.end, 20.0) for someone in people]
    assert all(found == sorted(found) for found in seconds)
    assert 12 < sum(map(len, seconds)) / len(people) / fleet.days < 30
    hours = [
        (second + someone.zone * HOUR) % DAY // HOUR
        for someone, found in zip(people, seconds, strict=True)
        for second in found
    ]
    assert sum(8 <= hour < 19 for hour in hours) > 0.8 * len(hours)


def test_a_sign_on_is_one_session_for_a_day() -> None:
    fleet, people = crowd()
    sign_on = SignOn(people[0], permission_set(fleet, "111122223333", "Developer"))
    noon = people[0].midnight(fleet.start + DAY) + 12 * HOUR
    assert sign_on.at(fleet, noon) is sign_on.at(fleet, noon + HOUR)
    assert sign_on.at(fleet, noon + DAY).key != sign_on.at(fleet, noon).key
    assert sign_on.role.path == "/aws-reserved/sso.amazonaws.com/"
