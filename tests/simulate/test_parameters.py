from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from detector.errors import UsageError
from detector.simulate.parameters import HARD, Parameters, draw


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_dev_is_always_the_same_and_the_hard_tier_differs_in_its_own_churn_only() -> None:
    assert draw("dev", "ordinary", rng(1)) == draw("dev", "ordinary", rng(2)) == Parameters()
    hard = draw("dev", "hard", rng())
    assert {field.name for field in fields(hard) if getattr(hard, field.name) != getattr(Parameters(), field.name)} == {
        *HARD
    }
    assert not [name for name in HARD if getattr(Parameters(), name)]


def test_every_tenant_of_test_has_values_of_its_own_and_shares_stay_probabilities() -> None:
    drawn = [draw("test", "hard", rng(seed)) for seed in range(30)]
    assert len({parameters.instance_life for parameters in drawn}) == 30
    assert all(0 < parameters.migration < 2 * HARD["migration"] for parameters in drawn)
    assert all(0 <= parameters.hosted_ci <= 1 and parameters.regions >= 2 for parameters in drawn)


def test_what_is_chosen_is_not_drawn() -> None:
    assert draw("test", "ordinary", rng(), pod_life=3.0, principals=50).pod_life == 3.0


def test_a_name_that_is_no_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match="expected parameters of a fleet, found podlife"):
        draw("dev", "ordinary", rng(), podlife=3.0)


@pytest.mark.parametrize("value", [{"principals": 39}, {"days": 1}])
def test_a_fleet_that_is_too_small_is_refused(value: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 40 principals and 2 days"):
        replace(Parameters(), **value)
