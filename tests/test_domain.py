from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import (
    COLUMNS,
    KIND_CODE,
    KINDS,
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    StringTable,
    UseBatch,
    UseRow,
    hash_text,
)

TEXTS = st.text(max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "native_id": TEXTS,
            "source": TEXTS,
            "time": st.integers(0, 2**62),
            "principal": TEXTS,
            "credential": TEXTS,
            "digest": st.integers(0, 2**64 - 1),
            "flags": st.integers(0, 7),
            "kind": st.integers(0, len(KINDS) - 1),
        }
    ).map(lambda fields: use(**fields)),
    max_size=12,
)


def use(**fields: Any) -> UseRow:
    return UseRow(**fields)


def rows_of(batch: UseBatch) -> list[tuple[object, ...]]:
    """The rows a batch holds, as a source stated them."""
    columns = []
    for name in UseRow._fields:
        column = getattr(batch, name).tolist()
        columns.append([batch.strings[code] for code in column] if name in TEXT_COLUMNS else column)
    return list(zip(*columns, strict=True))


@given(ROWS)
def test_columns_hold_what_the_rows_said(rows: list[UseRow]) -> None:
    assert rows_of(UseBatch.from_rows(rows, StringTable())) == [tuple(row) for row in rows]


@given(ROWS, st.integers(0, 12))
def test_batches_of_one_table_are_put_together_again(rows: list[UseRow], cut: int) -> None:
    strings = StringTable()
    whole = UseBatch.from_rows(rows, strings)

    joined = UseBatch.concat([whole.take(slice(0, cut)), whole.take(slice(cut, None))], strings)

    assert rows_of(joined) == rows_of(whole)


def test_batches_of_different_tables_are_not_put_together() -> None:
    batch = UseBatch.from_rows([UseRow("id", "source", 1)], StringTable())

    with pytest.raises(ValueError, match="share one StringTable"):
        UseBatch.concat([batch], StringTable())


@given(st.lists(TEXTS))
def test_a_code_is_given_once_and_means_its_text_for_ever(texts: list[str]) -> None:
    table = StringTable()
    codes = table.codes(texts).tolist()

    assert [table[code] for code in codes] == texts
    assert table.codes(texts).tolist() == codes
    assert table.code("") == 0
    assert len(table) == len({*texts, ""})


@given(st.lists(TEXTS), st.lists(TEXTS))
def test_hashes_follow_the_texts_also_after_more_have_come(first: list[str], second: list[str]) -> None:
    table = StringTable()
    for texts in (first, second):
        table.codes(texts)
        assert table.hashes.tolist() == [hash_text(text) for text in table.texts]


@given(st.text(st.characters()))
def test_only_the_unknown_text_has_the_hash_zero(text: str) -> None:
    assert (hash_text(text) == 0) == (text == "")
    assert 0 <= hash_text(text) < 2**64


def test_every_kind_is_found_by_its_label() -> None:
    assert [KIND_CODE[kind.label] for kind in KINDS] == list(range(len(KINDS)))
    assert KINDS[0].name == "unknown"


@given(ROWS, st.data())
def test_rows_are_taken_by_place_mask_or_slice(rows: list[UseRow], data: st.DataObject) -> None:
    batch = UseBatch.from_rows(rows, StringTable())
    whole = rows_of(batch)
    mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    places = data.draw(st.lists(st.sampled_from(range(len(rows))))) if rows else []

    assert rows_of(batch.take(np.array(mask, np.bool_))) == [one for one, keep in zip(whole, mask, strict=True) if keep]
    assert rows_of(batch.take(np.array(places, np.intp))) == [whole[at] for at in places]
    assert rows_of(batch.take(slice(1, 3))) == whole[1:3]


def test_a_cell_is_read_as_text() -> None:
    batch = UseBatch.from_rows([UseRow("a", "use", 1), UseRow("b", "use", 1, principal="svc")], StringTable())

    assert [batch.text("principal", at) for at in (0, 1)] == ["", "svc"]


def test_no_batches_are_an_empty_batch() -> None:
    strings = StringTable()
    batch = UseBatch.concat([], strings)

    assert len(batch) == 0
    assert batch.strings is strings


def test_every_column_of_a_batch_is_a_field_of_a_row() -> None:
    """A column that rows do not have would be lost on its way through a source."""
    assert sorted(COLUMNS) == sorted(UseRow._fields)
    assert {*TEXT_COLUMNS, *NUMBER_COLUMNS, "native_id"} == set(COLUMNS)
