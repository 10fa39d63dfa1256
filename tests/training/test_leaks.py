"""Nothing gives the simulated thieves away; and the checks see it when something does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from detector.simulate import arrivals
from detector.simulate.call import BENIGN, Call
from detector.simulate.fleet import Fleet
from detector.simulate.tenant import Dataset, truth_of
from detector.training.decoded import Decoded, decode, uses_of
from detector.training.ground import Ground
from detector.training.leaks import LIMIT, Columns, area, only_thieves, separations, shared_credentials

TENANTS = 4
SIZE = {"principals": 300.0, "days": 12.0, "uses_per_day": 5.0}

Tenants = list[tuple[Decoded, Ground]]


def read(fleet: Fleet) -> tuple[Decoded, Ground]:
    decoded = decode(arrivals.records(arrivals.deliver(fleet)))
    return decoded, Ground.of(decoded, uses_of(decoded), truth_of(fleet))


@pytest.fixture(scope="module")
def fleets() -> list[Fleet]:
    return [Dataset("dev", "hard", thefts=1).tenant(number, **SIZE) for number in range(TENANTS)]


@pytest.fixture(scope="module")
def tenants(fleets: list[Fleet]) -> Tenants:
    return [read(fleet) for fleet in fleets]


@pytest.fixture(scope="module")
def columns(tenants: Tenants) -> Columns:
    return Columns.of(tenants)


def planted(fleets: list[Fleet], change: Callable[[Call], Call]) -> Columns:
    """The columns of the same fleets, every malicious call changed."""
    found = []
    for fleet in fleets:
        calls = fleet.calls
        fleet.calls = [call if call.theft == BENIGN else change(call) for call in calls]
        found.append(read(fleet))
        fleet.calls = calls
    return Columns.of(found)


def test_no_column_by_itself_tells_a_thief_from_another_tenants_workloads(columns: Columns) -> None:
    found = separations(columns)
    assert {name: round(value, 3) for name, value in found.items() if value > LIMIT} == {}


def test_thieves_use_no_tool_action_or_resource_that_nobody_benign_uses(columns: Columns) -> None:
    uses = int(columns.malicious.sum())
    for name, values in only_thieves(columns, ("family", "action", "region", "error", "session shape")).items():
        assert sum(values.values()) <= 0.02 * uses, (name, values)


def test_a_reserved_network_for_thieves_is_seen(fleets: list[Fleet]) -> None:
    leaking = planted(fleets, lambda call: call._replace(context=call.context._replace(address="247.9.9.9")))
    assert separations(leaking)["prefix"] > LIMIT
    assert "247.9.9.0/24" in only_thieves(leaking, ("prefix",))["prefix"]


def test_a_tool_that_only_thieves_use_is_seen(fleets: list[Fleet]) -> None:
    leaking = planted(fleets, lambda call: call._replace(context=call.context._replace(client="evil-tool/1.0")))
    assert separations(leaking)["client"] > LIMIT
    assert only_thieves(leaking, ("family",))["family"]


def test_a_clock_that_only_thieves_have_is_seen(fleets: list[Fleet]) -> None:
    leaking = planted(fleets, lambda call: call._replace(second=call.second // 60 * 60))
    assert separations(leaking)["second"] > LIMIT


def test_a_model_that_learns_shuffled_labels_learns_nothing(columns: Columns) -> None:
    rng = np.random.default_rng(1)
    malicious = np.flatnonzero(columns.malicious)
    benign = rng.choice(np.flatnonzero(~columns.malicious), 4 * len(malicious), replace=False)
    rows = np.concatenate([malicious, benign])
    table = np.stack(
        [np.unique(values[rows].astype(str), return_inverse=True)[1] for values in columns.values.values()]
    )
    label = rng.permutation(columns.malicious[rows])
    learn = rng.random(len(rows)) < 0.5
    model = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(table.T[learn], label[learn])
    score = model.predict_proba(table.T[~learn])[:, 1]
    assert abs(area(score, label[~learn], np.ones(int((~learn).sum()))) - 0.5) < 0.03


def test_splits_share_no_credential(tenants: Tenants) -> None:
    other = [read(Dataset("test", "hard", thefts=1).tenant(number, **SIZE))[0] for number in range(2)]
    assert shared_credentials([decoded for decoded, _ in tenants], other) == set()
    assert shared_credentials(other, other)


def test_the_area_is_that_of_mann_and_whitney() -> None:
    positive = np.array([True, True, False, False])
    one = np.ones(4)
    assert area(np.array([4.0, 3.0, 2.0, 1.0]), positive, one) == 1.0
    assert area(np.array([1.0, 1.0, 1.0, 1.0]), positive, one) == 0.5
    assert area(np.array([4.0, 1.0, 2.0, 3.0]), positive, one) == 0.5
    assert area(np.array([4.0, 1.0, 2.0, 3.0]), positive, np.array([1.0, 0.0, 1.0, 1.0])) == 1.0
