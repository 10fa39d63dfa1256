"""The reorder buffer: one order for any order of input, positions that grow, bounded memory."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import DAY, SECOND, Flag, StringTable, UseBatch, UseRow
from detector.stream.reorder import Reorder

START = 1_792_929_600 * SECOND


def row(at: int, native: str = "", **fields: Any) -> UseRow:
    return UseRow(native or f"id-{at}", "use", START + at * SECOND)._replace(**fields)


def run(reorder: Reorder, rows: list[UseRow], size: int = 7) -> list[UseBatch]:
    out: list[UseBatch] = []
    for at in range(0, len(rows), size):
        out += reorder.push(UseBatch.from_rows(rows[at : at + size], reorder.strings))
    return out + reorder.flush()


def natives(batches: list[UseBatch]) -> list[str]:
    return [str(native) for batch in batches for native in batch.native_id]


ROWS = st.lists(
    st.builds(
        lambda at, native, digest, index: row(at, native, digest=digest, use_index=index),
        st.integers(0, 3),
        st.sampled_from(["a", "b", "é", "0123456789abcdef-1", "0123456789abcdef-2"]),
        st.sampled_from([1, 2, 2**63, 2**64 - 1]),
        st.integers(0, 2),
    ),
    max_size=40,
)


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_shuffle_of_what_fits_comes_out_in_the_same_order(
    rows: list[UseRow], random: random.Random, size: int
) -> None:
    shuffled = rows[:]
    random.shuffle(shuffled)

    def keys(given: list[UseRow]) -> list[tuple[int, str, int, int]]:
        return [
            (int(batch.time[at]), batch.native_id[at][:16], int(batch.digest[at]), int(batch.use_index[at]))
            for batch in run(Reorder(), given, size)
            for at in range(len(batch))
        ]

    expected = sorted(
        ((each.time, each.native_id[:16], each.digest, each.use_index) for each in rows),
        key=lambda key: (key[0], key[1].encode()[:16], *key[2:]),
    )
    assert keys(rows) == keys(shuffled) == expected


def test_positions_count_on_in_slices_of_the_asked_size() -> None:
    out = run(Reorder(rows=4), [row(9 - at) for at in range(10)])
    assert [len(batch) for batch in out] == [4, 4, 2]
    assert np.concatenate([batch.raw_offset for batch in out]).tolist() == list(range(10))
    assert {int(part) for batch in out for part in (*batch.raw_partition, *batch.row)} == {0}


def test_the_older_half_leaves_when_there_are_too_many() -> None:
    rows = [row(at) for at in range(100)]
    random.Random(7).shuffle(rows)  # noqa: S311 - a shuffle, not a secret
    reorder = Reorder(capacity=60, rows=10)
    out = []
    for each in rows:
        out += reorder.push(UseBatch.from_rows([each], reorder.strings))
        assert len(reorder) <= 60
    out += reorder.flush()
    assert sorted(natives(out)) == sorted(each.native_id for each in rows)
    assert np.concatenate([batch.raw_offset for batch in out]).tolist() == list(range(100))


def test_input_that_is_nearly_in_order_comes_out_in_order_beyond_the_capacity() -> None:
    rows = [row(at ^ 3) for at in range(1_000)]
    assert natives(run(Reorder(capacity=50), rows)) == [f"id-{at}" for at in range(1_000)]


def test_the_table_of_texts_is_renewed_and_no_text_changes() -> None:
    rows = [row(at, principal=f"principal {at}", credential=f"key {at % 5}") for at in range(500)]
    reorder = Reorder(capacity=40, texts=100)
    out = run(reorder, rows, size=10)
    found = [(batch.text("principal", at), batch.text("credential", at)) for batch in out for at in range(len(batch))]
    assert found == [(f"principal {at}", f"key {at % 5}") for at in range(500)]
    assert len(reorder.strings) <= 100


def test_a_batch_with_another_table_is_refused() -> None:
    with pytest.raises(ValueError, match="table"):
        Reorder().push(UseBatch.from_rows([row(1)], StringTable()))


@pytest.mark.parametrize(("gap", "marked"), [(366 * DAY, False), (367 * DAY, True)])
def test_a_lone_last_use_a_year_later_is_suspect(gap: int, marked: bool) -> None:  # noqa: FBT001 - a parameter
    late = [row(10, "late", time=START + gap, digest=5, use_index=index) for index in (1, 0)]
    out = UseBatch.concat(parts := run(reorder := Reorder(), [*late, row(0)]), reorder.strings)
    assert len(parts) == 1
    assert [bool(flags & Flag.TS_SUSPECT) for flags in out.flags] == [False, marked, marked]


def test_two_records_a_year_later_are_believed_and_so_is_a_single_one() -> None:
    later = [row(0, f"late-{at}", time=START + 400 * DAY, digest=at) for at in (1, 2)]
    assert not any(flag for batch in run(Reorder(), [row(0), *later]) for flag in batch.flags)
    assert not any(flag for batch in run(Reorder(), [row(0)]) for flag in batch.flags)


def test_nothing_gives_nothing() -> None:
    assert Reorder().flush() == []
