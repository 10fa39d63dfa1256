from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import StringTable
from detector.fingerprint.lexicon import Lexicon
from tests.rows import keys


def note(lexicon: Lexicon, values: list[int], first_row: int = 0) -> None:
    """Rows with these keys; the text of a key is its digits, and key 0 is unknown."""
    strings = StringTable()
    codes = strings.codes(["" if value == 0 else str(value) for value in values])
    lexicon.note(keys(*values), np.array(codes, np.int32), strings, first_row)


EPOCHS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=12), min_size=1, max_size=4)


@given(EPOCHS, st.lists(st.integers(1, 5), min_size=1))
def test_what_is_found_does_not_depend_on_how_rows_were_cut(epochs: list[list[int]], sizes: list[int]) -> None:
    lexicon = Lexicon()
    before: set[int] = set()
    for rows in epochs:
        start = turn = 0
        while start < len(rows):
            piece = rows[start : start + sizes[turn % len(sizes)]]
            note(lexicon, piece, start)
            start, turn = start + len(piece), turn + 1
        for at in range(len(rows)):
            known = {value for value in before | set(rows[: at + 1]) if value}
            assert {value for value in range(13) if lexicon.text(value, at)} == known
            assert all(lexicon.text(value, at) == str(value) for value in known)
        lexicon.turn()
        before |= set(rows)


def test_a_text_in_use_is_kept_for_ever_and_an_unused_one_for_two_windows() -> None:
    lexicon = Lexicon(window=10)
    note(lexicon, [1, 2])
    lexicon.turn()
    for start in range(100, 200, 5):
        note(lexicon, [1, *range(start, start + 5)])
        lexicon.turn()
    assert lexicon.text(1, 0) == "1"
    assert lexicon.text(2, 0) == ""


def test_it_holds_at_most_two_windows_and_their_last_epochs_however_many_texts_there_are() -> None:
    lexicon, most = Lexicon(window=50), 0
    for start in range(1, 2000, 20):
        note(lexicon, list(range(start, start + 20)))
        lexicon.turn()
        most = max(most, len(lexicon))
    assert most <= 2 * (50 + 20)


def test_the_unknown_is_never_remembered() -> None:
    lexicon = Lexicon()
    note(lexicon, [0, 0, 3])
    lexicon.turn()
    assert len(lexicon) == 1
    assert lexicon.text(0, 0) == ""
