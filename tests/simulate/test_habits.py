from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detector.simulate.call import Action
from detector.simulate.habits import Releases, Repertoire, Rhythm, rate_of
from detector.simulate.world import DAY, HOUR, START, World

POOL = tuple(Action("service", f"Do{number}") for number in range(30))
END = START + 100 * DAY


def world(seed: int = 1) -> World:
    return World(np.random.default_rng(seed), START, END)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_rhythm_keeps_its_rate_and_its_uses_come_in_groups() -> None:
    seconds = Rhythm(200.0).seconds(world(), START, END)
    assert seconds == sorted(seconds)
    assert START <= seconds[0] <= seconds[-1] < END
    assert abs(len(seconds) / 20_000 - 1) < 0.05
    gaps = np.diff(seconds)
    assert float(np.mean(gaps < 60)) > 1.5 * (1 - np.exp(-200 * 60 / DAY))


def test_replicas_share_the_work_of_a_principal() -> None:
    parts = [len(Rhythm(100.0).seconds(world(seed), START, END, 1 / 4)) for seed in range(4)]
    assert abs(sum(parts) / 10_000 - 1) < 0.1


def test_a_schedule_runs_after_every_full_period_and_nowhere_else() -> None:
    rhythm = Rhythm(24.0, period=6 * HOUR, phase=2 * HOUR)
    seconds = rhythm.seconds(world(), START + 7, END)
    runs = Counter((second - START) // (6 * HOUR) for second in seconds)
    assert set(runs) == set(range(400))
    first = [min(s for s in seconds if (s - START) // (6 * HOUR) == run) for run in range(20)]
    assert all(0 <= (second - START) % (6 * HOUR) - 2 * HOUR < 20 for second in first)
    assert len({second % 60 for second in first}) > 5
    assert 5 < len(seconds) / 400 < 9  # one more than the six that its rate asks for
    assert seconds == sorted(seconds)


def test_a_run_of_a_schedule_is_made_by_one_of_the_replicas() -> None:
    runs = {s // DAY for s in Rhythm(3.0, period=DAY, phase=HOUR).seconds(world(), START, END, 0.25)}
    assert 12 < len(runs) < 40


@pytest.mark.parametrize("rhythm", [Rhythm(5.0), Rhythm(5.0, period=HOUR)])
def test_nothing_is_done_in_no_time(rhythm: Rhythm) -> None:
    assert rhythm.seconds(world(), START, START) == []
    assert rhythm.seconds(world(), START + 1, START) == []


def test_what_is_done_follows_the_weights() -> None:
    repertoire = Repertoire(POOL[:3], (0.7, 0.2, 0.1))
    counts = Counter(one.action for one in repertoire.done(rng(), range(START, START + 20_000)))
    assert [round(counts[action] / 20_000, 1) for action in POOL[:3]] == [0.7, 0.2, 0.1]


def test_rare_and_refused_operations_keep_their_rates() -> None:
    repertoire = Repertoire(POOL[:2], (0.5, 0.5), POOL[2:4], rare_rate=0.05, denied_rate=0.02)
    done = repertoire.done(rng(), range(START, START + 20_000))
    rare = [one for one in done if one.action in POOL[2:4]]
    assert {one.churn for one in rare} == {"rare_action"}
    assert {one.action for one in rare} == set(POOL[2:4])
    assert 0.04 < len(rare) / 20_000 < 0.10  # with repetitions
    assert 0.015 < sum(one.error == "AccessDenied" for one in done) / 20_000 < 0.025


def test_a_release_adds_an_operation_from_its_second_on() -> None:
    repertoire = Repertoire(POOL[:2], (0.5, 0.5))
    repertoire.release(START + 50 * DAY, POOL[9])
    repertoire.release(START + 10 * DAY, POOL[8])
    seconds = range(START, END, HOUR // 4)
    at: dict[Action, list[tuple[int, str]]] = {action: [] for action in POOL[8:10]}
    for second, one in zip(seconds, repertoire.done(rng(), seconds), strict=True):
        if one.action in at:
            at[one.action].append((second, one.churn))
    for action, since in ((POOL[8], START + 10 * DAY), (POOL[9], START + 50 * DAY)):
        assert since <= at[action][0][0] < since + 2 * DAY
        assert at[action][0][1] == "release"
        assert at[action][-1][1] == ""


def test_a_drawn_repertoire_keeps_rare_operations_apart() -> None:
    repertoire = Repertoire.draw(rng(), POOL, 6, rare_rate=0.5)
    assert len(set(repertoire.actions)) == 6
    assert abs(sum(repertoire.weights) - 1) < 1e-9
    assert repertoire.rare_rate == 0.5
    assert not set(repertoire.rare) & set(repertoire.actions)


def test_the_client_is_that_of_the_latest_release_and_news_for_three_days() -> None:
    releases = Releases([(0, "v1", ""), (START, "v2", "release")])
    assert releases.at(START - 1) == ("v1", "")
    assert releases.at(START) == ("v2", "release")
    assert releases.at(START + 3 * DAY) == ("v2", "")


def test_rates_spread_around_their_median_within_bounds() -> None:
    chance = rng()
    rates = [rate_of(chance, 4.0, 3.0) for _ in range(2_000)]
    assert 3.4 < float(np.median(rates)) < 4.6
    assert (min(rates), max(rates)) == (0.5, 2000.0)
