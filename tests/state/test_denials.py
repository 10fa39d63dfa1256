from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import HOUR, MINUTE, ActorClass, Flag, Outcome, UseRow
from detector.fingerprint.facets import ACTION, SERVICE
from detector.scoring.fixed import CELL
from detector.state.denials import Denials, DenialTable
from detector.state.principals import Lessons, PrincipalTable
from tests.rows import START, bytes_a_row, fingerprint, keys, row

NOW = START // HOUR


def refused(action: str, at: int = 0, **columns: object) -> UseRow:
    return row(at, action=action, **{"outcome": Outcome.DENIED, **columns})


def advance(denials: Denials, rows: Sequence[UseRow], profiles: PrincipalTable | None = None) -> list[int]:
    batch, facets = fingerprint(*rows)
    profiles = profiles or PrincipalTable(10)
    slot, _ = profiles.admit(facets.principal)
    found: list[int] = denials.advance(batch, facets, slot, profiles).tolist()
    return found


# --- the hour ------------------------------------------------------------------------------------------------------


def test_different_actions_of_an_hour_are_counted_and_repeats_are_not() -> None:
    users, buckets = "iam:ListUsers", "s3:ListBuckets"
    rows = [refused(users), refused(users, MINUTE), refused(buckets), refused(users)]
    assert advance(Denials(), rows) == [1, 0, 2, 0]


def test_each_principal_and_each_hour_is_counted_by_itself() -> None:
    rows = [
        refused("iam:ListUsers"),
        refused("iam:ListUsers", principal="other"),
        refused("iam:ListUsers", HOUR),
        refused("s3:ListBuckets", HOUR - 1),
    ]
    assert advance(Denials(), rows) == [1, 1, 1, 2]


@pytest.mark.parametrize(
    "columns",
    [
        {"outcome": Outcome.ALLOWED},
        {"outcome": Outcome.FAILED},
        {"outcome": Outcome.UNKNOWN},
        {"action": ""},
        {"flags": Flag.ON_BEHALF},
        {"flags": Flag.TS_SUSPECT},
        {"actor_class": ActorClass.HUMAN},
    ],
)
def test_what_is_not_refused_or_not_scored_is_not_counted(columns: dict[str, object]) -> None:
    rows = [refused("iam:ListUsers")._replace(**columns), refused("s3:ListBuckets")]  # type: ignore[arg-type]
    assert advance(Denials(), rows) == [0, 1]


def test_an_action_that_the_principal_is_known_to_use_is_not_counted() -> None:
    """Its token has expired, or a right was withdrawn."""
    profiles = PrincipalTable(10)
    _, facets = fingerprint(row(action="s3:GetObject"))
    slot, _ = profiles.admit(facets.principal)
    value = facets.value[:, ACTION]
    profiles.learn(Lessons(slot, np.array([ACTION]), value, facets.value[:, SERVICE], facets.hour))
    assert advance(Denials(), [refused("s3:GetObject"), refused("s3:PutObject")], profiles) == [0, 1]


ROWS = st.lists(
    st.builds(
        lambda action, hour, who: refused(f"iam:List{action}", hour * HOUR, principal=f"principal {who}"),
        st.integers(0, 5), st.integers(0, 2), st.integers(0, 2),
    ),
    max_size=40,
)  # fmt: skip


@given(ROWS, st.integers(1, 7))
def test_the_count_is_the_size_of_a_set_wherever_batches_are_cut(rows: list[UseRow], size: int) -> None:
    expected, sets = [], dict[tuple[str, int], set[str]]()
    for one in rows:
        known = sets.setdefault((one.principal, one.time // HOUR), set())
        expected.append(0 if one.action in known else len(known) + 1)
        known.add(one.action)
    denials = Denials()
    found = [count for at in range(0, len(rows), size) for count in advance(denials, rows[at : at + size])]
    assert found == expected


def test_a_window_is_kept_for_a_second_one_and_then_forgotten() -> None:
    denials = Denials(window=2)
    assert advance(denials, [refused("iam:A"), refused("iam:B")]) == [1, 2]
    denials.turn()
    assert advance(denials, [refused("iam:A"), refused("iam:C"), refused("iam:D")]) == [0, 3, 4]
    denials.turn()
    assert advance(denials, [refused("iam:C"), refused("iam:A")]) == [0, 5]
    denials.turn()
    assert advance(denials, [refused("iam:A")]) == [0], "a window that is not full does not turn"


def test_the_digest_is_that_of_what_was_counted() -> None:
    one, other = Denials(), Denials()
    empty = one.digest()
    advance(one, [refused("iam:A"), refused("iam:B")])
    advance(other, [refused("iam:B"), refused("iam:A")])
    assert one.digest() == other.digest() != empty


# --- what is usual -------------------------------------------------------------------------------------------------


def learn(table: DenialTable, hours: Sequence[int], actions: int = 0, who: int = 1, group: int = 100) -> None:
    """An epoch of one principal: a row in each of `hours`, of which the first `actions` were refused."""
    n = len(hours)
    marks = np.arange(n) < actions
    table.learn(keys(*[who] * n), keys(*[group] * n), np.array(hours, np.int64), marks)


def rate(table: DenialTable, key: int, prior: float = 0.1, weight: int = 50) -> float:
    return float(table.rate(keys(key), np.array([prior]), weight)[0])


def numbers(table: DenialTable, key: int) -> tuple[float, float]:
    """Hours in use, and actions refused."""
    slot = table.find(keys(key))
    return float(table.active[slot[0]]) / CELL, float(table.refused[slot[0]]) / CELL


def test_without_history_the_prior_is_usual() -> None:
    assert rate(DenialTable(10), 1) == 0.1


def test_the_rate_worked_by_hand() -> None:
    """Four hours in use and two refused actions: (2 + 50·0.1) / (4 + 50)."""
    table = DenialTable(10)
    learn(table, [NOW, NOW + 1, NOW + 2, NOW + 3], actions=2)
    assert rate(table, 1) == pytest.approx(7 / 54)


def test_hours_are_counted_and_not_uses() -> None:
    table = DenialTable(10)
    learn(table, [NOW] * 500 + [NOW + 1])
    learn(table, [NOW + 1] * 20)
    assert numbers(table, 1) == (2, 0)


def test_the_hours_of_a_group_are_those_of_its_principals_together() -> None:
    table = DenialTable(10)
    rows: list[tuple[int, int]] = [(1, NOW), (2, NOW), (2, NOW + 1), (3, NOW)]
    who, hour = (np.array(column) for column in zip(*rows, strict=True))
    table.learn(who.astype(np.uint64), keys(100, 100, 100, 200), hour, np.array([True, True, False, False]))
    assert numbers(table, 100) == (3, 2)
    assert numbers(table, 200) == (1, 0)


def test_a_late_hour_is_not_counted_again_and_its_refusals_are() -> None:
    table = DenialTable(10)
    learn(table, [NOW + 5])
    learn(table, [NOW, NOW + 1], actions=1)
    assert numbers(table, 1) == (1, 1)


def test_both_halve_in_fourteen_days() -> None:
    table = DenialTable(10)
    learn(table, list(range(NOW, NOW + 8)), actions=8)
    learn(table, [NOW + 7 + 14 * 24])
    active, actions = numbers(table, 1)
    assert (active, actions) == pytest.approx((5, 4), rel=0.01)


EPOCH = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 400), st.booleans()), min_size=1, max_size=30)


@given(EPOCH, st.randoms(use_true_random=False))
def test_the_order_of_rows_within_an_epoch_teaches_nothing(rows: list[tuple[int, int, bool]], rng: Random) -> None:
    def taught(ordered: list[tuple[int, int, bool]]) -> bytes:
        table = DenialTable(10)
        who, hour, marks = (np.array(column) for column in zip(*ordered, strict=True))
        table.learn(who.astype(np.uint64), (who % 2 + 100).astype(np.uint64), hour.astype(np.int64) + NOW, marks)
        return table.digest()

    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert taught(shuffled) == taught(rows)


def test_the_longest_unused_go_first() -> None:
    table = DenialTable(3)
    for who in range(5):
        learn(table, [NOW + who], who=who + 1, group=who + 1)
    assert table.index.keys[table.forget()].tolist() == [1, 2]


def test_a_row_takes_little() -> None:
    assert bytes_a_row(DenialTable(4_096)) <= 48
