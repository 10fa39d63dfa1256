from __future__ import annotations

import sys

import pytest

from detector.errors import ConfigError
from detector.training.baselines.half_space_trees import HalfSpaceTrees
from tests.training.uses_of import HOUR, MINUTE, Use, uses_of

HABIT = [Use(at * 20 * MINUTE) for at in range(1200)]


def test_a_use_that_is_new_in_every_value_scores_higher_than_the_habit() -> None:
    strange = Use(
        401 * HOUR, address="203.0.113.9", provider="x", client="tool/9", action="secrets:list", resource="all"
    )

    score = HalfSpaceTrees().score(uses_of(*HABIT, strange))

    assert score[-1] > score[1100:-1].max()


def test_the_first_window_of_uses_is_only_learnt() -> None:
    score = HalfSpaceTrees().score(uses_of(*HABIT[:260]))

    assert not score[:250].any()
    assert score[250:].all()


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river.anomaly", None)

    with pytest.raises(ConfigError, match="extra `evaluate`"):
        HalfSpaceTrees().score(uses_of(Use(0)))
