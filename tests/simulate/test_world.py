from __future__ import annotations

import re

import numpy as np

from detector.simulate.call import Action, Context
from detector.simulate.formats.cloudtrail import Identity
from detector.simulate.world import DAY, HOUR, World

START = 1_767_571_200
IDENTITY = Identity("111122223333", "arn", "ASIA", "{}")


def world(seed: int = 1) -> World:
    return World(np.random.default_rng(seed), START, START + 4 * DAY)


def test_arrivals_are_ordered_inside_their_interval_and_keep_their_rate() -> None:
    seconds = world().arrivals(START, START + 4 * DAY, 5_000, amplitude=0.7)
    assert seconds == sorted(seconds)
    assert START <= seconds[0] <= seconds[-1] < START + 4 * DAY
    assert abs(len(seconds) / 20_000 - 1) < 0.05


def test_arrivals_follow_the_hour_of_the_day_when_asked_to() -> None:
    def afternoon(amplitude: float) -> float:
        seconds = np.array(world().arrivals(START, START + 4 * DAY, 5_000, amplitude))
        return float(np.mean((seconds % DAY >= 12 * HOUR) & (seconds % DAY < 16 * HOUR)))

    assert abs(afternoon(0.0) - 4 / 24) < 0.02
    assert afternoon(0.9) > 0.28


def test_an_empty_interval_has_no_arrivals() -> None:
    assert world().arrivals(START + 1, START, 1_000) == []


def test_a_call_outside_the_simulated_time_is_not_logged() -> None:
    fleet = world()
    for second in (START - 1, START, fleet.end - 1, fleet.end):
        fleet.call(second, IDENTITY, Action("s3", "GetObject"), Context("192.0.2.1", "agent"))
    assert [call.second for call in fleet.calls] == [START, fleet.end - 1]


def test_ids_have_the_shape_of_the_real_ones_and_do_not_repeat() -> None:
    fleet = world()
    events = [fleet.event_id() for _ in range(10_000)]
    assert len(set(events)) == len(events)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", e) for e in events)
    assert re.fullmatch(r"ASIA[A-Z2-7]{9}EXAMPLE", fleet.key())
    assert fleet.key() != fleet.key()
