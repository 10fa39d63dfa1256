from __future__ import annotations

import math

import pytest

from detector.training.baselines.freeman import Freeman
from tests.training.uses_of import HOUR, Use, uses_of

MINE = [Use(at * HOUR) for at in range(40)]
THEIRS = [
    Use(at * HOUR + 1, "other", "neighbour", address="203.0.113.9", provider="hosting-1", client="tool/1")
    for at in range(40)
]
BOTH = [use for pair in zip(MINE, THEIRS, strict=True) for use in pair]


def last(*rows: Use) -> float:
    return float(Freeman().score(uses_of(*rows))[-1])


def test_a_value_that_others_have_and_the_principal_has_not_speaks_against_it() -> None:
    assert last(*BOTH, MINE[0]._replace(at=41 * HOUR, address="203.0.113.9", provider="hosting-1")) > 3


def test_what_the_principal_does_is_silent() -> None:
    assert last(*BOTH, MINE[0]._replace(at=41 * HOUR)) == 0


def test_the_nearer_a_new_value_is_to_known_ones_the_less_it_says() -> None:
    def new(address: str, provider: str) -> float:
        return last(*BOTH, MINE[0]._replace(at=41 * HOUR, address=address, provider=provider))

    same_prefix, same_owner, elsewhere = new("198.51.100.9", "cloud"), new("192.0.2.1", "cloud"), new("192.0.2.1", "x")

    assert same_prefix < same_owner < elsewhere


def test_a_principal_without_history_is_as_likely_as_everybody() -> None:
    assert last(*BOTH, MINE[0]._replace(at=41 * HOUR, principal="newcomer")) == pytest.approx(0, abs=1e-9)


def test_the_ratio_of_one_level_is_the_one_of_the_paper_with_a_uniform_use_of_smoothing() -> None:
    rows = [Use(at, address=f"198.51.100.{at % 2}", client="", action="") for at in range(10)]
    new = rows[0]._replace(at=20, address="198.51.100.3")

    prefix = 10.5 / 11  # P(owner), and P(prefix | owner): ten uses of ten
    address = 0.5 / 11
    own_prefix = (10 + prefix * ((10 + prefix) / 11)) / 11
    expected = math.log(prefix * prefix * address / (address * own_prefix / 11))

    assert last(*rows, new) == pytest.approx(expected)
