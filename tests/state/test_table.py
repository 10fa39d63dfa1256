from __future__ import annotations

from random import Random
from typing import ClassVar

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import I64, U16, U32, U64
from detector.state.table import Table
from tests.rows import keys

CONTENT = st.dictionaries(st.integers(0, 2**64 - 1), st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


class Pairs(Table):
    """One plain column and a wide one."""

    layout: ClassVar = {"plain": (np.uint32, 0), "wide": (np.uint16, 3)}
    plain: U32
    wide: U16


def numbers(*values: int) -> I64:
    return np.array(values, np.int64)


def write(table: Pairs, content: dict[int, tuple[int, int]]) -> None:
    slots, _ = table.admit(keys(*content))
    table.plain[slots] = [plain for plain, _ in content.values()]
    table.wide[slots, 1] = [wide for _, wide in content.values()]


def filled(limit: int, order: list[int]) -> tuple[Pairs, U64]:
    """A table of keys 0, 1, … with `plain` as given."""
    table = Pairs(limit)
    write(table, {key: (value, 0) for key, value in enumerate(order)})
    return table, table.index.keys


@given(CONTENT, st.lists(st.integers(0, 2**64 - 1), max_size=12), st.randoms(use_true_random=False))
def test_the_digest_is_that_of_the_content_whatever_came_and_went(
    content: dict[int, tuple[int, int]], passing: list[int], order: Random
) -> None:
    straight, around = Pairs(100), Pairs(100)
    write(straight, content)
    write(around, dict.fromkeys(passing, (7, 7)))
    around.release(around.index.slots())
    shuffled = list(content.items())
    order.shuffle(shuffled)
    for key, value in shuffled:
        write(around, {key: value})

    assert around.digest() == straight.digest()


@given(CONTENT.filter(bool), st.data())
def test_another_key_or_number_is_another_digest(content: dict[int, tuple[int, int]], data: st.DataObject) -> None:
    table, other = Pairs(100), Pairs(100)
    write(table, content)
    key = data.draw(st.sampled_from(sorted(content)))
    plain, wide = content[key]
    changed = data.draw(st.sampled_from([{key: (plain + 1, wide)}, {key: (plain, wide + 1)}, {}]))
    write(other, {one: value for one, value in content.items() if one != key} | changed)

    assert other.digest() != table.digest()


def test_columns_keep_their_numbers_while_the_table_grows() -> None:
    table = Pairs(10_000)
    for start in range(0, 3_000, 100):
        slots, fresh = table.admit(np.arange(start, start + 100, dtype=np.uint64))
        assert len(fresh) == 100
        table.plain[slots] = np.arange(start, start + 100)
        table.wide[slots, 2] = np.arange(start, start + 100)

    slots = table.find(np.arange(3_000, dtype=np.uint64))
    assert len(table) == 3_000
    assert table.plain[slots].tolist() == table.wide[slots, 2].tolist() == list(range(3_000))


def test_a_row_that_takes_a_released_slot_begins_empty() -> None:
    table = Pairs(10)
    write(table, {1: (5, 5), 2: (6, 6)})
    table.release(table.find(keys(1)))
    slots, fresh = table.admit(keys(3))

    assert slots.tolist() == fresh.tolist() == [0]
    assert table.plain[slots].tolist() == [0]
    assert table.wide[slots].tolist() == [[0, 0, 0]]


@given(st.integers(1, 40), st.lists(st.integers(0, 5), max_size=60))
def test_over_its_limit_a_table_gives_up_the_lowest_order_then_key_down_to_fifteen_sixteenths(
    limit: int, order: list[int]
) -> None:
    table, key_of = filled(limit, order)
    surplus = len(order) - limit
    gone = surplus + limit // 16 if surplus > 0 else 0

    slots = table.evict(table.plain[table.index.slots()])

    assert [int(key) for key in key_of[slots]] == sorted(range(len(order)), key=lambda key: (order[key], key))[:gone]


def test_after_eviction_the_table_is_within_its_limit() -> None:
    table, _ = filled(32, list(range(50)))
    table.release(table.evict(table.plain[table.index.slots()]))

    assert table.index.keys[table.index.slots()].tolist() == list(range(20, 50))
    assert table.evict(numbers(*range(30))).tolist() == []
