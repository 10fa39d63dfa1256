from __future__ import annotations

from itertools import pairwise

import pytest

from detector.simulate.call import Action
from detector.simulate.fleet import Holding
from detector.simulate.misuse import LOOKING, SECRETS, TAMPERING, InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.truth import Stealth, Style
from detector.simulate.world import DAY, HOUR
from tests.simulate.scenarios.scope_fleets import AGENT, DIRECTORY, tenant

STRANGE = [(Action("svc", f"op-{number}"), "") for number in range(10)]


def thief(kind: str = "aws.session/instance", stealth: Stealth = "S0", style: Style = "noisy") -> Play:
    fleet, sites = tenant()
    begin = fleet.start + 8 * DAY + HOUR
    victim = next(one for one in fleet.holdings if one.kind == kind and one.start <= begin < one.last)
    return Play(fleet, sites, victim, stealth, style, begin, 12, HOUR, 0)


def holding(kind: str) -> Holding:
    return next(one for one in tenant(days=2)[0].holdings if one.kind == kind)


def test_a_product_of_its_own_is_asked_in_its_own_words() -> None:
    app = holding("entra.client-secret")

    assert set(LOOKING.operations(app)) <= set(DIRECTORY)
    assert {action.name for action in SECRETS.operations(app)} == {"secrets.get", "secrets.list", "keys.get"}
    assert [action.name for action in TAMPERING.operations(app)] == ["auditRetention.update"]
    assert TAMPERING.operations(holding("api-key")) == ()


def test_the_thief_calls_from_where_the_workload_does_and_by_what_it_holds_then() -> None:
    play = thief()
    seconds = [play.begin, play.begin + 7 * HOUR, play.begin + 20 * HOUR]

    InPlace.of(play).do(seconds, STRANGE[:3])

    calls = [call for call in play.fleet.calls if call.theft == 0]
    assert [call.second for call in calls] == seconds
    assert len({id(call.caller) for call in calls}) == 3, "a session lasts six hours"
    assert {call.context.address for call in calls} == {"241.0.10.7"}


def test_between_two_credentials_he_waits_for_the_next_and_after_the_last_he_is_out() -> None:
    play = thief()
    ours = [one for one in play.fleet.holdings if one.principal is play.victim.principal]
    later = next(one for one in ours if one.start > play.begin)
    play.fleet.holdings = [one for one in play.fleet.holdings if one.principal is not play.victim.principal]
    play.fleet.holdings += [play.victim, ours[ours.index(later) + 1]]
    workload = InPlace.of(play)

    moved = workload.held(later.start + HOUR)
    assert moved is not None
    assert later.end < moved[0] < later.end + HOUR
    assert workload.held(later.end + 7 * HOUR) is None


@pytest.mark.parametrize(("stealth", "hidden"), [("S0", False), ("S1", False), ("S2", True), ("S3", True)])
def test_who_hides_sends_what_the_workload_sends(stealth: Stealth, *, hidden: bool) -> None:
    play = thief(stealth=stealth)

    InPlace.of(play).do([play.begin], STRANGE[:1])

    (call,) = [call for call in play.fleet.calls if call.theft == 0]
    assert (call.context.client == AGENT) is hidden


def test_the_workload_goes_on() -> None:
    play = thief()
    play.goes_on = False

    InPlace.of(play)

    assert play.goes_on


def test_a_burst_ends_with_its_workload() -> None:
    play = thief()

    seconds = InPlace.of(play).burst(50, HOUR // 2)

    assert seconds[0] == play.begin
    assert all(before <= after for before, after in pairwise(seconds))
    assert seconds[-1] - seconds[0] <= HOUR // 2


@pytest.mark.parametrize(
    ("stealth", "style", "least", "most"),
    [("S0", "noisy", 0, 0), ("S0", "mimic", 20, 25), ("S2", "noisy", 6, 7), ("S3", "noisy", 20, 25)],
)
def test_style_and_stealth_say_how_much_of_the_victims_own_hides_the_rest(
    stealth: Stealth, style: Style, least: int, most: int
) -> None:
    operations = woven(thief(stealth=stealth, style=style), STRANGE)

    assert [operation for operation in operations if operation in STRANGE] == STRANGE, "in their order"
    assert least <= len(operations) - len(STRANGE) <= most


def test_all_of_a_pool_comes_before_any_comes_again() -> None:
    play = thief()
    pool = [action for action, _ in STRANGE]

    found = chosen(play.fleet, pool, 25)

    assert set(found[:10]) == set(found[10:20]) == set(pool)
    assert len(found) == 25


def test_who_knows_the_place_is_refused_less() -> None:
    actions = [Action("svc", "op")] * 400
    refused = {stealth: sum(bool(error) for _, error in tried(thief(stealth=stealth), actions)) for stealth in STEALTHS}

    assert refused["S0"] > refused["S1"] > refused["S2"] > refused["S3"] > 0


STEALTHS: tuple[Stealth, ...] = ("S0", "S1", "S2", "S3")
