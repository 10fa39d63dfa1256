from __future__ import annotations

import numpy as np
import pytest

from detector.domain import DAY, KIND_CODE, Activity, ActorClass, Flag, UseRow
from detector.scoring.evidence import BINDING, CLIENT, COMPONENTS, CONCURRENCY, NETWORK, PATH, REVOCATION
from tests.streams import random_rows
from tests.uses import CLI, HOUR, MINUTE, NAT, SECOND, START, Mind, history, instance, use, varied

NEW = {"address": "192.0.2.66", "client": CLI}
DAY_EIGHT = START + 7 * DAY


def known(days: int = 7, every: int = 3 * HOUR) -> Mind:
    """A mind that knows a principal and three of its peers for some days."""
    peers = [row._replace(principal=f"peer-{peer}", credential=f"K{peer}") for peer in range(3) for row in history(1)]
    mind = Mind()
    mind.learn(sorted([*history(days, every), *peers], key=lambda row: row.time))
    return mind


def test_calm_uses_have_no_evidence() -> None:
    found = known().judge(*(use(DAY_EIGHT + hour * HOUR) for hour in range(5)))
    assert not found.quanta.any()
    assert found.contexts == {}


def test_evidence_has_a_row_for_each_use_and_a_column_for_each_component() -> None:
    found = known().judge(use(DAY_EIGHT), use(DAY_EIGHT, **NEW), use(DAY_EIGHT, principal="", **NEW))
    assert found.quanta.shape == (3, len(COMPONENTS))
    assert found.quanta.dtype == np.int64
    assert found.quanta[1, NETWORK] > 4 * NAT
    assert found.quanta[1, CLIENT] > 4 * NAT


def test_each_piece_of_evidence_stands_in_its_own_column() -> None:
    """A theft of a key that was revoked: novelty at once, a return when the owner speaks, revocation after an hour."""
    revoked = use(DAY_EIGHT + MINUTE, activity=Activity.REVOKE)
    rows = [use(DAY_EIGHT), revoked, use(DAY_EIGHT + 2 * HOUR, **NEW), use(DAY_EIGHT + 3 * HOUR)]
    found = known().judge(*rows).quanta
    present = [{COMPONENTS[at] for at in np.flatnonzero(row)} for row in found]
    assert present == [set(), set(), {"network", "client", "revocation"}, {"concurrency", "revocation"}]
    assert found[2, REVOCATION] == 10.5 * NAT


def test_an_instance_session_is_compared_with_its_instance() -> None:
    mind = Mind()
    mind.learn([instance(START + hour * HOUR) for hour in range(0, 168, 3)])
    found = mind.judge(instance(DAY_EIGHT), varied(instance(DAY_EIGHT + MINUTE), **NEW)).quanta
    assert found[:, BINDING].tolist() == [0, 12 * NAT]


@pytest.mark.parametrize(
    "columns",
    [
        {"actor_class": ActorClass.HUMAN},
        {"flags": Flag.ON_BEHALF},
        {"flags": Flag.TS_SUSPECT},
        {"credential": ""},
        {"principal": ""},
        {"activity": Activity.DECLARE},
        {"activity": Activity.END},
    ],
)
def test_what_is_not_scored_has_no_evidence_and_no_profile(columns: dict[str, object]) -> None:
    mind = known()
    before = len(mind.shard.principals)
    found = mind.judge(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **NEW, **columns), use(DAY_EIGHT + 2 * HOUR))
    assert not found.quanta.any()
    assert len(mind.shard.principals) == before


# --- cold principals -----------------------------------------------------------------------------------------------


def novelty(mind: Mind, row: UseRow) -> list[float]:
    return [quanta / NAT for quanta in mind.judge(row).quanta[0, [NETWORK, CLIENT]].tolist()]


def test_the_first_day_of_a_principal_is_not_judged_on_novelty() -> None:
    mind = known()
    row = use(DAY_EIGHT, **NEW)
    assert min(novelty(mind, row)) > 4
    newcomer = varied(row, principal="newcomer", credential="KNEW")
    assert novelty(mind, newcomer) == [0, 0]
    assert mind.judge(newcomer).cold.tolist() == [True]


@pytest.mark.parametrize(
    ("cells", "age", "cold"),
    [
        (4, 30 * HOUR, True),  # too little history
        (5, 30 * HOUR, False),
        (9, 23 * HOUR, True),  # too young
        (9, 24 * HOUR, False),
    ],
)
def test_a_principal_is_cold_until_it_has_five_hours_of_history_and_a_day_of_age(
    cells: int,
    age: int,
    cold: bool,  # noqa: FBT001
) -> None:
    mind = known()
    who = {"principal": "newcomer", "credential": "KNEW"}
    mind.learn([use(DAY_EIGHT + hour * HOUR, **who) for hour in range(cells)])
    found = mind.judge(use(DAY_EIGHT + age, **who, **NEW))
    assert found.cold.tolist() == [cold]
    assert (found.quanta[0, NETWORK] > 2 * NAT) == (not cold)
    assert found.baseline.tolist() == [age // SECOND]


def test_a_contradicted_binding_of_a_cold_role_is_capped() -> None:
    rows = [instance(DAY_EIGHT), varied(instance(DAY_EIGHT + MINUTE), **NEW)]
    assert Mind().nats(BINDING, *rows) == [0, 3]


def test_use_after_revocation_needs_no_history() -> None:
    rows = [use(START, activity=Activity.REVOKE), use(START + 2 * DAY)]
    assert Mind().nats(REVOCATION, *rows) == [0, 13]


# --- within an epoch -----------------------------------------------------------------------------------------------


def test_a_candidate_carries_the_contexts_of_its_holder_as_of_its_row() -> None:
    found = known().judge(use(DAY_EIGHT), use(DAY_EIGHT + HOUR, **NEW), use(DAY_EIGHT + 2 * HOUR))
    assert sorted(found.contexts) == [1, 2]
    assert [len(places) for places in found.contexts.values()] == [2, 2]
    here, there = found.contexts[1]
    assert (here.first, here.last) == ((DAY_EIGHT + HOUR) // SECOND,) * 2
    assert there.last == DAY_EIGHT // SECOND


def test_a_return_between_known_clients_is_evidence_of_another_path_only() -> None:
    kind = {"kind": KIND_CODE["aws.session/assumed"]}
    places = ("198.51.100.7", "203.0.113.9", "198.51.100.7")
    rows = [use(DAY_EIGHT + at * HOUR, address=place, **kind) for at, place in enumerate(places)]
    found = known().judge(*rows).quanta
    assert found[2, PATH] > 3 * NAT
    assert found[2, CONCURRENCY] == 0


@pytest.mark.parametrize("size", [1, 7, 100])
def test_rows_of_an_epoch_are_scored_alike_in_any_slices(size: int) -> None:
    rows = random_rows(11, 500)
    whole, cut = Mind(), Mind()
    for mind in (whole, cut):
        mind.learn(rows[:300])
    once = whole.judge(*rows[300:])
    pieces = [cut.judge(*rows[at : at + size]) for at in range(300, 500, size)]
    for name in ("quanta", "opened", "returns", "cold", "baseline"):
        assert np.array_equal(np.concatenate([getattr(piece, name) for piece in pieces]), getattr(once, name)), name
    assert once.quanta.any(axis=0).sum() >= 4
