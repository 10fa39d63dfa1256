"""Nothing gives the simulated thieves away; and the checks see it when something does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from detector.simulate import arrivals
from detector.simulate.call import BENIGN, Call
from detector.simulate.fleet import Fleet
from detector.simulate.parameters import draw
from detector.simulate.tenant import Dataset, simulate, truth_of
from detector.training.decoded import Decoded, decode, uses_of
from detector.training.figures import Field, figures
from detector.training.ground import Ground
from detector.training.judged import BARE, judge
from detector.training.leaks import LIMIT, Columns, area, only_thieves, separations, shared_credentials

TENANTS = 4
SIZE = {"principals": 300.0, "days": 14.0, "uses_per_day": 3.0}  # thefts begin in the second week, on any weekday
KEPT = 6  # of planted fleets every sixth benign call: enough to be told from

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
    """The columns of two of the fleets with fewer benign calls, every malicious call changed."""
    found = []
    for fleet in fleets[:2]:
        calls = fleet.calls
        fewer = (call for at, call in enumerate(calls) if call.theft != BENIGN or at % KEPT == 0)
        fleet.calls = [call if call.theft == BENIGN else change(call) for call in fewer]
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


@dataclass(frozen=True, slots=True)
class Control(Dataset):
    """Tenants in which only the control is played: thieves who do on the victim's workload what it does."""

    def tenant(self, number: int, **chosen: float) -> Fleet:
        seeds = (self.seed, number)
        parameters = draw(self.split, self.tier, np.random.default_rng(seeds), **chosen)
        return simulate(parameters, seeds, self.thefts, only="r07_same_workload")


def test_of_thieves_who_do_what_the_owner_does_as_many_are_found_as_by_chance() -> None:
    judged = judge(Control("dev", "hard", thefts=80), 0, [], **{**SIZE, "principals": 110.0, "days": 16.0})
    facts, points = judged.facts, judged.points[BARE]
    field = Field(facts.thefts, facts.causes, judged.days, facts.placebos)
    assert len(facts.thefts) > 60
    assert all(theft.void for theft in facts.thefts)
    for threshold in (0.0, *np.quantile(points.score, (0.5, 0.9)).tolist()):
        found = figures(points, threshold, field)
        assert found.void.low <= found.placebo.high, threshold
        assert found.placebo.low <= found.void.high, threshold


def test_a_model_that_learns_shuffled_labels_learns_nothing(columns: Columns) -> None:
    rng = np.random.default_rng(1)
    malicious = np.flatnonzero(columns.malicious)
    benign = rng.choice(np.flatnonzero(~columns.malicious), 4 * len(malicious), replace=False)
    rows = np.concatenate([malicious, benign])
    texts = (values[rows].astype(str) for values in columns.values.values())
    table = np.stack([np.unique(one, return_inverse=True)[1] for one in texts])
    label = rng.permutation(columns.malicious[rows])
    learn = rng.random(len(rows)) < 0.5
    model = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(table.T[learn], label[learn])
    score = model.predict_proba(table.T[~learn])[:, 1]
    assert abs(area(score, label[~learn], np.ones(int((~learn).sum()))) - 0.5) < 0.03


def test_splits_share_no_credential(tenants: Tenants) -> None:
    other = [read(Dataset("test", "hard", thefts=1).tenant(0, **SIZE))[0]]
    assert shared_credentials([decoded for decoded, _ in tenants], other) == set()
    assert shared_credentials(other, other)


def test_the_area_is_that_of_mann_and_whitney() -> None:
    positive = np.array([True, True, False, False])
    one = np.ones(4)
    assert area(np.array([4.0, 3.0, 2.0, 1.0]), positive, one) == 1.0
    assert area(np.array([1.0, 1.0, 1.0, 1.0]), positive, one) == 0.5
    assert area(np.array([4.0, 1.0, 2.0, 3.0]), positive, one) == 0.5
    assert area(np.array([4.0, 1.0, 2.0, 3.0]), positive, np.array([1.0, 0.0, 1.0, 1.0])) == 1.0
