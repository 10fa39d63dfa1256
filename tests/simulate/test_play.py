from __future__ import annotations

import numpy as np
import pytest

from detector.simulate.call import BENIGN, Action
from detector.simulate.egress import Egress
from detector.simulate.formats import use
from detector.simulate.play import Play, question, silences, spread
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR, MINUTE
from tests.simulate.scenarios.fleets import Scene


def played(scene: Scene, stealth: Stealth = "S1", kind: str = "aws.access-key", *, end: int = 0) -> Play:
    victim = scene.holding(kind, end=end)
    return Play.draw(scene.fleet, scene.sites, victim, stealth, scene.day(9))


def test_most_thefts_are_a_dozen_uses_and_none_more_than_five_hundred() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    plays = [Play.draw(scene.fleet, scene.sites, victim, "S1", scene.day(9)) for _ in range(600)]
    counts = np.array([play.count for play in plays])
    assert 9 <= np.median(counts) <= 15
    assert counts.min() >= 1
    assert counts.max() <= 500
    assert {play.style for play in plays} == {"noisy", "mixed", "mimic"}
    assert 0.5 < sum(play.goes_on for play in plays) / 600 < 0.7


def test_who_hides_takes_six_hours_at_least() -> None:
    scene = Scene()
    assert min(played(scene, "S3").span for _ in range(20)) == 6 * HOUR
    assert min(played(scene, "S1").span for _ in range(20)) == 30


def test_an_expiring_credential_is_used_while_it_is_good() -> None:
    scene = Scene()
    play = played(scene, kind="aws.session/instance", end=scene.day(9) + HOUR)
    play.count, play.span = 200, 72 * HOUR
    assert play.while_valid()[0] == play.begin
    assert max(play.while_valid()) < play.victim.end
    assert max(play.times()) > play.victim.end


@pytest.mark.parametrize(
    ("stealth", "style", "share"), [("S0", "noisy", 0.0), ("S2", "noisy", 0.5), ("S3", "noisy", 1.0)]
)
def test_stealth_sets_how_much_of_it_the_victim_does_too(stealth: Stealth, style: str, share: float) -> None:
    play = played(Scene(), stealth, kind="api-key")
    play.style = "noisy"
    own = {action.text for action in play.victim.principal.group.repertoire.actions}
    strange = {action.text for action in play.unusual()}
    assert not own & strange
    done = [action.text in own for action, _ in play.actions(400)]
    assert abs(sum(done) / 400 - share) < 0.1


def test_what_the_owner_does_is_never_refused_and_some_of_the_rest_is() -> None:
    play = played(Scene(), "S0")
    play.style = "noisy"
    errors = [error for _, error in play.actions(400)]
    assert 0.25 < sum(map(bool, errors)) / 400 < 0.45
    play.stealth = "S3"
    assert not any(error for _, error in play.actions(50))


def test_what_can_only_be_traded_is_used_for_nothing_else() -> None:
    scene = Scene()
    secret = use.Identity(scene.realm, "role", scene.fleet.key("id-"), "vault.approle").stating("exchange")
    play = Play.draw(scene.fleet, scene.sites, scene.holding("vault.approle", caller=secret), "S0", scene.day(9))
    play.style = "noisy"
    assert {action for action, _ in play.actions(50)} <= set(play.victim.principal.group.repertoire.actions)


def test_the_question_whose_it_is_comes_in_the_words_of_the_log() -> None:
    scene = Scene()
    assert question(scene.holding("aws.access-key")).text == "sts:GetCallerIdentity"
    assert question(scene.holding("api-key")).read_only


def test_uses_outside_the_simulated_time_are_neither_logged_nor_true() -> None:
    scene = Scene()
    play = played(scene)
    play.uses([scene.fleet.end - 1, scene.fleet.end], play.context())
    play.end("r01_external_host", "replay", ())
    (theft,) = scene.fleet.thefts
    assert [call.event_id for call in scene.malicious()] == list(theft.event_ids)
    assert len(theft.event_ids) == 1


def test_a_victim_that_stops_is_silent_while_the_thief_works() -> None:
    scene = Scene()
    play = played(scene)
    play.goes_on = False
    play.uses(play.times(span=6 * HOUR), play.context())
    play.end("r01_external_host", "replay", ())
    scene.fleet.finish()
    first, last = play.seconds[0], max(play.seconds)
    own = [call.second for call in scene.fleet.calls if call.theft == BENIGN]
    assert own
    assert not [second for second in own if first <= second < last + HOUR]


def test_among_the_tenants_workloads_he_leaves_as_they_do_and_moves_on_when_one_is_gone() -> None:
    scene = Scene()
    first, second, third = (scene.fleet.plan.gateway("us-east-1") for _ in range(3))
    rotated = Egress.of("us-east-1", [first])
    rotated.change(scene.day(9.5), [second], "nat_rotation")
    victim = scene.holding("aws.access-key")
    scene.holding("aws.access-key", egress=rotated, end=scene.day(10))
    play = Play.draw(scene.fleet, scene.sites, victim, "S3", scene.day(9))
    context = play.context("neighbour")
    scene.holding("aws.access-key", egress=Egress.of("us-east-1", [third]), start=scene.day(9.2))
    play.uses([scene.day(9.1), scene.day(9.6), scene.day(10.5)], context)
    assert [call.context.address for call in scene.malicious()] == [first, second, third]


def test_a_lease_is_renewed_as_its_owner_does_for_as_long_as_the_thief_works() -> None:
    renewed = []
    for seed in range(12):
        scene = Scene(seed)
        victim = scene.holding("vault.token")
        assert isinstance(victim.caller, use.Identity)
        said = victim.caller.stating("renew", expires_at=scene.day(8) + 3 * HOUR)
        ((home, _),) = victim.habitat.contexts(scene.fleet, [scene.day(8)])
        scene.fleet.call(scene.day(8), said, Action("token", "renew-self", read_only=False), home)
        play = Play.draw(scene.fleet, scene.sites, victim, "S2", scene.day(9))
        play.uses([scene.day(9), scene.day(9) + 9 * HOUR], play.context())
        own = (call for call in scene.malicious() if call.action.name == "renew-self")
        renewed.append([call.second - scene.day(9) for call in own])
    assert max(map(tuple, renewed)) == (2 * HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR)
    assert [] in renewed


def test_silences_keep_away_from_both_neighbours() -> None:
    assert silences([0, 100, 1000], 2000, 200) == [(300, 800), (1200, 2000)]
    assert silences([0, 100], 150, 60) == []


def test_spread_seconds_lie_in_the_stretches_and_reach_all_of_them() -> None:
    scene = Scene()
    stretches = [(0, 10), (100, 110), (500, 501)]
    seconds = spread(scene.fleet, stretches, 500)
    assert seconds == sorted(seconds)
    assert {next(at for at, (low, high) in enumerate(stretches) if low <= second < high) for second in seconds} == {
        0,
        1,
        2,
    }
    assert max(seconds) < 10 * MINUTE
