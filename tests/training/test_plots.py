from __future__ import annotations

import re

from detector.training import plots
from detector.training.figures import Share


def test_a_map_names_every_scenario_and_counts_in_every_cell() -> None:
    found = plots.scenarios({"r01": {"S0": Share(3, 3, 0.4, 1.0), "S2": Share(1, 3, 0.1, 0.8)}, "o01": {}})
    for word in ("r01", "o01", "S0", "S2", "3/3", "1/3"):
        assert f">{word}</text>" in found


def test_bars_of_two_groups_and_of_none_are_drawn() -> None:
    one = {"kind": Share(1, 2, 0.1, 0.9)}
    assert plots.shares("recall", {"bare": one, "enriched": {}}) != plots.shares("recall", {"bare": one})
    assert plots.counts("false incidents", {"ordinary": 3}).startswith("<svg")


def test_a_picture_is_the_same_each_time() -> None:
    one = {"x": Share(1, 2, 0.1, 0.9)}
    assert plots.shares("recall", {"bare": one}) == plots.shares("recall", {"bare": one})


def test_a_cell_shows_its_share_by_its_colour() -> None:
    none, all_of = (plots.scenarios({"r01": {"S0": Share(hits, 3, 0.0, 1.0)}}) for hits in (0, 3))
    assert set(re.findall(r"fill: (#\w+)", none)) != set(re.findall(r"fill: (#\w+)", all_of))
