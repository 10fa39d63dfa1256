from __future__ import annotations

import numpy as np

from detector.scoring.evidence import COMPONENTS, SUMMED, TRUST, Denied, Evidence
from detector.state.credentials import Lifecycle
from tests.uses import MINIMUM, quanta


def evidence(*rows: tuple[int, ...]) -> Evidence:
    n = len(rows)
    none = np.zeros(n, np.int64)
    return Evidence(
        quanta=np.array(rows, np.int64).reshape(n, len(COMPONENTS)),
        lifecycle=Lifecycle(none, none, none, none),
        contexts={},
        opened=np.zeros(n, np.bool_),
        returns=np.zeros((n, 2), np.int64),
        cold=np.zeros(n, np.bool_),
        baseline=none,
        denied=Denied(none, none),
    )


def test_a_candidate_is_a_row_with_one_component_that_reaches_the_minimum() -> None:
    rows = [quanta(), quanta(network=2), quanta(client=1.999), quanta(path=7), quanta(parentage=3, binding=12)]
    assert evidence(*rows).candidates(MINIMUM).tolist() == [1, 3, 4]


def test_weak_components_do_not_add_up_to_a_candidate() -> None:
    assert evidence(quanta(**dict.fromkeys(COMPONENTS, 1.9))).candidates(MINIMUM).tolist() == []


def test_no_rows_have_no_candidates() -> None:
    assert evidence().candidates(MINIMUM).tolist() == []


def test_every_component_has_its_place_in_the_order_of_trust() -> None:
    assert sorted(TRUST) == list(range(len(COMPONENTS)))


def test_what_only_supports_is_trusted_least() -> None:
    assert COMPONENTS[TRUST[0]] == "binding"
    assert COMPONENTS[TRUST[-1]] == "path"


def test_returns_add_up_and_nothing_else_does() -> None:
    assert {COMPONENTS[component] for component in SUMMED} == {"concurrency", "path"}
