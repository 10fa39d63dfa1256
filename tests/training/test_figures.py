from __future__ import annotations

import numpy as np
import pytest

from detector.training.figures import Share, Spread, figures
from detector.training.points import DAY_SECONDS
from tests.training.made import START, field, points, theft


def test_a_theft_is_found_by_a_point_that_a_malicious_use_stands_behind() -> None:
    found = figures(points((7, 60, 9.0, 0), (8, 0, 2.0, 1)), 5.0, field(theft(0), theft(1)))
    assert (found.recall.hits, found.recall.of) == (1, 2)
    assert found.uses.median == 2  # the point came with the second use
    assert found.seconds.median == 60


def test_false_incidents_are_counted_per_ten_thousand_active_days() -> None:
    found = figures(points((1, 0, 9.0, -1), (1, 3 * DAY_SECONDS, 9.0, -1)), 5.0, field(days=4_000))
    assert found.false_incidents == 2
    assert found.per_10k == 5.0
    assert found.per_10k_low <= 5.0 <= found.per_10k_high


def test_the_control_counts_apart() -> None:
    found = figures(points((1, 0, 9.0, 0)), 5.0, field(theft(0), theft(1, void=True, stealth="S4")))
    assert (found.detectable.hits, found.detectable.of) == (1, 1)
    assert (found.void.hits, found.void.of) == (0, 1)
    assert found.by["stealth"]["S4"].of == 1
    assert "S4" not in found.by["style"]


def test_incidents_of_one_theft_are_counted_even_where_one_was_false_before() -> None:
    split = points((1, 0, 9.0, 0), (1, 3 * DAY_SECONDS, 9.0, 0), (2, 0, 9.0, 0))
    assert figures(split, 5.0, field(theft(0))).incidents_per_theft == 3


def test_the_placebo_is_what_was_said_in_the_same_window_a_week_before() -> None:
    stolen = theft(0, START + 8 * DAY_SECONDS)
    said = points((0, DAY_SECONDS, 9.0, -1))
    assert figures(said, 5.0, field(stolen)).placebo.hits == 1
    assert figures(points((1, DAY_SECONDS, 9.0, -1)), 5.0, field(stolen)).placebo.hits == 0


def test_false_incidents_are_told_by_their_cause() -> None:
    said = points((1, 0, 9.0, -1), (2, 0, 9.0, -1))
    said.churn[:] = [1, 0]
    assert figures(said, 5.0, field(causes=("", "failover"))).churn == {"failover": 1, "ordinary": 1}


def test_history_and_owner_and_macro_split_what_was_found() -> None:
    thefts = (theft(0, prior_uses=0), theft(1, prior_uses=5), theft(2, scenario="r15_dormant_key", prior_uses=51))
    found = figures(points((1, 0, 9.0, 0)), 5.0, field(*thefts))
    assert {name: share.hits for name, share in found.by["history"].items()} == {
        "none": 1, "1 to 5": 0, "more than 50": 0,
    }  # fmt: skip
    assert found.macro == pytest.approx(0.25)  # half of one scenario, none of the other


def test_precision_follows_from_recall_and_false_incidents() -> None:
    found = figures(points((1, 0, 9.0, 0), (2, 0, 9.0, -1)), 5.0, field(theft(0)))
    assert found.per_10k == 1.0
    assert found.precision["1.0"] == pytest.approx(0.5)


def test_of_nothing_found_there_is_no_delay() -> None:
    found = figures(points(), 5.0, field(theft(0)))
    assert (found.uses, found.incidents_per_theft) == (Spread(None, None), None)
    assert np.isnan(Share.counted([]).value)
