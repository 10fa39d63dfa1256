from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detector.simulate.catalogue import AWS_WORK
from detector.simulate.clients import ENGINEER_CLI
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, session
from detector.simulate.populations.base import (
    Population,
    borrowed,
    group,
    groups_of,
    live,
    load_populations,
    migrated,
    principal,
    schedule,
    shifts,
)
from detector.simulate.populations.containers import Containers
from detector.simulate.populations.functions import Functions
from detector.simulate.world import DAY, HOUR, START
from tests.simulate.tenants import empty_tenant, tenant

KIND = "aws.session/instance"
DESK = Egress.of("us-east-1", ["240.9.9.9"])


def owner(fleet: Fleet, *, established: bool = True) -> Principal:
    made = group(fleet, "111122223333", "/web/", KIND, AWS_WORK)
    return principal(fleet, made, "arn:aws:iam::111122223333:role/web/web#instance", established=established)


def holdings(fleet: Fleet, who: Principal, *starts: int, life: int = 6 * HOUR) -> list[Holding]:
    habitat = Habitat(Egress.of("us-east-1", ["240.0.0.1"]), who.group.releases)
    role = Role("111122223333", "/web/", "web", "AROAEXAMPLE")
    callers = [session(role, "i-0123456789abcdef0", fleet.key(), start) for start in starts]
    return [
        Holding(who, caller, caller.key, KIND, start, start + life, habitat)
        for start, caller in zip(starts, callers, strict=True)
    ]


def test_every_population_is_named_after_its_file_and_together_they_are_a_fleet() -> None:
    found = load_populations()
    assert all(name == population.name and population.title for name, population in found.items())
    assert all(isinstance(population, Population) and 0 < population.share < 1 for population in found.values())


def test_one_population_more_changes_nothing_of_the_others() -> None:
    def records(*populations: Population) -> set[bytes]:
        fleet = tenant(*populations, principals=200, days=3)
        return {call.caller.render(call) for call in fleet.calls if "/ecs-" in str(fleet.callers[id(call.caller)].name)}

    assert records(Containers()) == records(Functions(), Containers()) != set()


def test_groups_add_up_to_their_population() -> None:
    fleet, _ = empty_tenant()
    sizes = list(groups_of(fleet, 1_000))
    assert sum(sizes) == 1_000
    assert 15 < np.mean(sizes) < 40
    assert len(set(sizes)) > 10


def test_releases_change_the_client_of_a_whole_group_and_sometimes_what_it_does() -> None:
    fleet, _ = empty_tenant(days=21)
    made = [group(fleet, "111122223333", f"/g{number}/", KIND, AWS_WORK) for number in range(60)]
    releases = sum(len(one.releases.versions) - 1 for one in made)
    added = sum(len(one.repertoire.releases) for one in made)
    assert 0.12 < releases / (60 * 21) < 0.2
    assert 0.15 < added / releases < 0.45
    assert all(action not in one.repertoire.actions for one in made for _, action in one.repertoire.releases)


def test_some_principals_appear_in_the_middle_of_the_run_and_their_first_day_is_news() -> None:
    fleet, _ = empty_tenant(new_service=0.02, days=20)
    late = [who for who in (owner(fleet, established=False) for _ in range(200)) if who.since]
    assert 40 < len(late) < 130
    assert not [who for who in (owner(fleet) for _ in range(50)) if who.since]
    for who in late:
        live(fleet, *holdings(fleet, who, fleet.start, life=20 * DAY))
    assert {call.churn == "new_service" for call in fleet.calls} == {True, False}
    for call in fleet.calls:
        since = fleet.callers[id(call.caller)].since
        assert call.second >= since
        assert call.churn in ("new_service", "backfill") or call.second >= since + DAY


def test_schedules_are_spread_over_the_day() -> None:
    fleet, _ = empty_tenant()
    daily = [who.rhythm.phase // HOUR for who in (owner(fleet) for _ in range(600)) if who.rhythm.period == DAY]
    assert len(set(daily)) > 10


def test_each_use_is_made_with_the_newest_credential_that_is_still_good() -> None:
    fleet, _ = empty_tenant()
    held = holdings(fleet, owner(fleet), START, START + 5 * HOUR, START + 20 * HOUR)
    seconds = [START - 1, START, START + 5 * HOUR - 1, START + 5 * HOUR, START + 12 * HOUR, START + 21 * HOUR]
    assert shifts(held, seconds) == [(held[0], seconds[1:3]), (held[1], seconds[3:4]), (held[2], seconds[5:])]
    assert shifts(held[:1], [START - 2, START - 1]) == []


def test_holdings_that_follow_each_other_make_one_life() -> None:
    fleet, _ = empty_tenant(backfill=0.0, uses_per_day=100.0, uses_sigma=0.0)
    who = owner(fleet)
    held = holdings(fleet, who, *range(START, START + 20 * DAY, 6 * HOUR))
    live(fleet, *held)
    of = {one.credential: one for one in held}
    assert fleet.holdings == held
    for call in fleet.calls:
        assert of[call.caller.key].start <= call.second < of[call.caller.key].last  # type: ignore[attr-defined]
    uses = Counter(call.caller.key for call in fleet.calls)  # type: ignore[attr-defined]
    assert len(fleet.calls) > 500
    assert len(uses) > 0.5 * len(held)


def test_a_credential_that_ended_before_its_owner_appeared_is_nobodys() -> None:
    fleet, _ = empty_tenant()
    who = owner(fleet)
    who.since = START + DAY
    held = holdings(fleet, who, START, START + 12 * HOUR, START + DAY)
    live(fleet, *held)
    assert fleet.holdings == held[2:]


def test_a_backfill_is_two_hours_of_forty_times_the_rate() -> None:
    fleet, _ = empty_tenant(backfill=0.5, days=20, uses_per_day=20.0, uses_sigma=0.0)
    who = owner(fleet)
    bursts = [seconds for seconds, churn in schedule(fleet, who, fleet.start, fleet.end) if churn == "backfill"]
    assert 4 < len(bursts) < 20
    assert all(burst[-1] - burst[0] < 2 * HOUR for burst in bursts if burst)
    assert 40 < np.mean([len(burst) for burst in bursts]) < 80


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_engineers_borrow_credentials_only_in_the_hard_tier(rate: float) -> None:
    fleet, _ = empty_tenant(local_debugging=rate)
    live(fleet, *holdings(fleet, owner(fleet), *range(START, START + 20 * DAY, 6 * HOUR)), desk=DESK)
    alone = holdings(fleet, owner(fleet), START, life=20 * DAY)[0]
    borrowed(fleet, alone, DESK)
    lent = [call for call in fleet.calls if call.churn == "local_debugging"]
    assert bool(lent) is bool(fleet.story["credentials borrowed"]) is bool(rate)
    assert {(call.context.address, call.context.client) for call in lent} <= {("240.9.9.9", ENGINEER_CLI)}
    assert bool([call for call in lent if call.caller is alone.caller]) is bool(rate)


def test_a_group_moves_for_good_to_gateways_of_another_account_in_the_hard_tier_only() -> None:
    fleet, sites = empty_tenant(migration=0.05, days=20, nat_rotation=0.0, failover=0.0)
    account, region = sites.accounts[0], fleet.regions[0]
    home = sites.nat(account, region)
    moved = [way for way in (migrated(fleet, sites, home, account) for _ in range(60)) if way is not home]
    assert 20 < len(moved) < 58
    others = {sites.nat(place, region).spans[0].addresses for place in (*sites.accounts[1:], *sites.clusters)}
    for way in moved:
        assert way.at(fleet.end + DAY).addresses in others
        assert {span.churn for span in way.spans} == {"", "migration"}
    both = [way for way in moved if set(home.spans[0].addresses) < set(way.spans[1].addresses)]
    assert 0.4 < len(both) / len(moved) < 0.8

    quiet, places = empty_tenant(days=20)
    for _ in range(60):
        assert migrated(quiet, places, places.nat(places.accounts[0], region), places.accounts[0]) is places.nat(
            places.accounts[0], region
        )


def test_an_endpoint_does_not_move() -> None:
    fleet, sites = empty_tenant(migration=5.0)
    endpoint = Egress.of("us-east-1", ["10.64.0.1"], endpoint="vpce-1")
    assert migrated(fleet, sites, endpoint, sites.accounts[0]) is endpoint
