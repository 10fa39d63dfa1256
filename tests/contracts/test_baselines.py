"""What every baseline promises, checked for every file of `detector/training/baselines/`."""

from __future__ import annotations

import numpy as np
import pytest

from detector.registry import members
from detector.training import baselines
from detector.training.baselines.base import FITTED_DAYS, Baseline, fitted_until, load_baselines
from tests.training.uses_of import DAY, HOUR, START, Use, drawn, head, relabelled, uses_of

BASELINES = load_baselines()
PRODUCTS = ("guardduty", "netflix", "elastic", "entra", "amazon", "aws", "microsoft", "sagemaker")
RULES = [baseline for baseline in BASELINES.values() if baseline.natural is not None]
every_baseline = pytest.mark.parametrize("baseline", list(BASELINES.values()), ids=list(BASELINES))


def test_every_file_is_a_member() -> None:
    assert len(BASELINES) >= 15
    assert set(BASELINES) == set(members(baselines, Baseline))


@every_baseline
def test_it_says_what_it_is_and_where_it_is_from(baseline: Baseline) -> None:
    assert baseline.title
    assert baseline.source
    assert baseline.natural is None or baseline.natural > 0
    assert not any(product in baseline.title.lower() for product in PRODUCTS), "a title names the method, no product"


@every_baseline
@pytest.mark.parametrize("seed", [1, 2])
def test_it_scores_every_use_with_a_number_that_is_not_negative(baseline: Baseline, seed: int) -> None:
    uses = drawn(seed)

    score = baseline.score(uses)

    assert score.shape == (len(uses),)
    assert score.dtype == np.float64
    assert np.isfinite(score).all()
    assert (score >= 0).all()
    assert score.any(), "a method that never says anything measures nothing"
    if baseline.natural is not None:
        assert score.max() >= baseline.natural


@every_baseline
def test_what_comes_later_changes_no_score(baseline: Baseline) -> None:
    uses = drawn(3)
    whole = baseline.score(uses)

    for count in (0, 1, 7, 250, len(uses) - 90, len(uses) - 1):
        np.testing.assert_array_equal(baseline.score(head(uses, count)), whole[:count])


@every_baseline
def test_it_says_the_same_twice(baseline: Baseline) -> None:
    np.testing.assert_array_equal(baseline.score(drawn(4)), baseline.score(drawn(4)))


@every_baseline
@pytest.mark.parametrize("seed", [5, 6])
def test_the_numbers_of_codes_mean_nothing(baseline: Baseline, seed: int) -> None:
    uses = drawn(seed)

    np.testing.assert_allclose(baseline.score(relabelled(uses, seed)), baseline.score(uses), rtol=1e-9)


@pytest.mark.parametrize("baseline", RULES, ids=[rule.name for rule in RULES])
def test_a_rule_does_not_fire_on_what_is_unknown(baseline: Baseline) -> None:
    unknown = dict.fromkeys(("credential", "address", "provider", "client", "action", "resource"), "")

    assert not baseline.score(uses_of(*(Use(at * HOUR, **unknown) for at in range(12 * 24)))).any()  # type: ignore[arg-type]


@every_baseline
def test_its_state_grows_with_what_it_has_seen(baseline: Baseline) -> None:
    uses = drawn(7)

    sizes = [baseline.state_bytes(head(uses, count)) for count in (0, 100, 400, len(uses))]

    assert sizes == sorted(sizes)
    assert sizes[-1] > 0


def test_what_is_fitted_is_fitted_on_whole_days_before_the_eighth() -> None:
    assert FITTED_DAYS == 7
    assert uses_of(Use(0)).second[0] == START
    assert fitted_until(uses_of()) == 0
    assert fitted_until(uses_of(Use(9 * HOUR), Use(7 * DAY - 1))) == 2
    assert fitted_until(uses_of(Use(9 * HOUR), Use(7 * DAY), Use(3 * DAY))) == 1
