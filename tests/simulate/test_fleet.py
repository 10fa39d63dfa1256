from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from detector.simulate.call import Action, Call
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, session
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.parameters import Parameters
from detector.simulate.world import DAY, HOUR, START

ACTIONS = (Action("s3", "GetObject"), Action("sqs", "ReceiveMessage"))
OUTSIDE = Egress.of("us-east-1", ["240.0.0.1"])
RELEASES = Releases([(0, "v1", ""), (START + DAY, "v2", "release")])


def empty() -> Fleet:
    return Fleet(np.random.default_rng(1), START, START + 4 * DAY, parameters=Parameters(days=4), seeds=(1,))


def holding(fleet: Fleet, name: str = "role", habitat: Habitat | None = None) -> Holding:
    group = Group("111122223333", "/web/", "aws.session/instance", Repertoire(ACTIONS, (0.5, 0.5)), RELEASES)
    role = Role("111122223333", "/web/", name, "AROAEXAMPLE")
    caller = session(role, "i-0123456789abcdef0", fleet.key(), START)
    owner = Principal(f"{role.arn}#instance", group, Rhythm(10.0))
    where = habitat or Habitat(OUTSIDE, RELEASES)
    return fleet.hold(Holding(owner, caller, caller.key, group.kind, START, START + 3 * DAY, where))


def drawn(fleet: Fleet, name: str) -> tuple[str, str, float, str]:
    with fleet.chance(name):
        return fleet.key(), fleet.event_id(), float(fleet.rng.random()), fleet.plan.runner()


def test_what_one_part_draws_changes_nobody_elses_chance() -> None:
    quiet, busy = empty(), empty()
    with busy.chance("one"):
        for _ in range(5_000):
            busy.key(), busy.event_id(), busy.plan.hosting()
    assert drawn(quiet, "other") == drawn(busy, "other")
    assert drawn(quiet, "other") != drawn(quiet, "another")
    assert quiet.rng.random() == busy.rng.random()


def test_keys_have_the_shape_of_real_ones_and_do_not_repeat() -> None:
    fleet = empty()
    keys = [fleet.key() for _ in range(5_000)]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("ASIA[A-Z2-7]{9}EXAMPLE", key) for key in keys)
    assert fleet.key("AROA").startswith("AROA")


def test_a_holding_is_used_no_longer_than_its_key_its_successor_and_its_workload_allow() -> None:
    held = holding(empty())
    assert held.last == START + 3 * DAY
    assert replace(held, until=START + HOUR).last == START + HOUR
    assert replace(held, until=START + 2 * HOUR, workload_end=START + HOUR).last == START + HOUR


def test_work_is_done_with_the_credential_from_its_habitat_as_the_group_does() -> None:
    fleet = empty()
    held = holding(fleet)
    seconds = [START, START + 5, START + DAY]
    fleet.work(held, seconds)
    assert [call.second for call in fleet.calls] == seconds
    assert {call.caller for call in fleet.calls} == {held.caller}
    assert {call.action for call in fleet.calls} <= set(ACTIONS)
    assert [call.context.client for call in fleet.calls] == ["v1", "v1", "v2"]
    assert [call.churn for call in fleet.calls] == ["", "", "release"]


def test_a_workload_keeps_the_client_of_its_launch_and_its_marker() -> None:
    fleet = empty()
    fleet.work(holding(fleet, habitat=Habitat(OUTSIDE, RELEASES, START + 1, " exec-env/x")), [START + 2 * DAY])
    assert fleet.calls[0].context.client == "v1 exec-env/x"


def test_the_cause_given_for_all_uses_wins() -> None:
    fleet = empty()
    fleet.work(holding(fleet), [START, START + DAY], churn="backfill")
    assert {call.churn for call in fleet.calls} == {"backfill"}


def test_only_storage_goes_through_a_gateway_endpoint() -> None:
    fleet = empty()
    inside = Egress.of("us-east-1", ["10.64.0.1"], endpoint="vpce-1")
    fleet.work(holding(fleet, habitat=Habitat(OUTSIDE, RELEASES, inside=inside)), range(START, START + 200))
    through = {(call.action.service, call.context.address, call.context.endpoint) for call in fleet.calls}
    assert through == {("s3", "10.64.0.1", "vpce-1"), ("sqs", "240.0.0.1", "")}


def test_an_owner_who_stopped_did_nothing_while_others_and_thieves_did() -> None:
    fleet = empty()
    victim, other = holding(fleet), holding(fleet, "other")
    login = session(Role("111122223333", "/web/", "login", "AROAEXAMPLE"), "login", fleet.key(), START)
    fleet.attribute(login, victim.principal)
    for at in range(0, 10 * HOUR, HOUR):
        fleet.work(victim, [START + at])
        fleet.work(other, [START + at])
        fleet.call(START + at, login, ACTIONS[0], fleet.calls[0].context)
        fleet.call(START + at, victim.caller, ACTIONS[0], fleet.calls[0].context, theft=0)
    fleet.silence(victim.principal, START + 2 * HOUR, START + 5 * HOUR)
    fleet.finish()

    def count(wanted: object, theft: int = -1) -> int:
        return sum(call.caller is wanted and call.theft == theft for call in fleet.calls)

    assert (count(victim.caller), count(login)) == (7, 7)
    assert (count(other.caller), count(victim.caller, theft=0)) == (10, 10)


def test_a_finished_fleet_is_in_order_of_time() -> None:
    fleet = empty()
    held = holding(fleet)
    for second in (START + 50, START + 10, START + 10, START + 30):
        fleet.work(held, [second])
    fleet.finish()

    def order(call: Call) -> tuple[int, str]:
        return call.second, call.event_id

    assert fleet.calls == sorted(fleet.calls, key=order)
    assert [call.second for call in fleet.calls] == [START + 10, START + 10, START + 30, START + 50]
