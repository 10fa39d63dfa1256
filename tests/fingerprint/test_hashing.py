from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.fingerprint.hashing import mix, short_id
from tests.rows import keys

WORDS = st.integers(0, 2**64 - 1)


def one(left: int, right: int) -> int:
    return int(mix(keys(left), right)[0])


@given(WORDS, WORDS)
def test_mixing_is_the_finaliser_of_splitmix64_over_plain_integers(left: int, right: int) -> None:
    whole = 2**64 - 1
    z = (left * 0x9E3779B97F4A7C15 + right) & whole
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & whole
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & whole
    assert one(left, right) == z ^ (z >> 31)


@given(WORDS, WORDS, WORDS)
def test_different_things_under_one_parent_never_share_a_key(left: int, other: int, parent: int) -> None:
    assert (one(left, parent) == one(other, parent)) == (left == other)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_a_key_does_not_depend_on_its_neighbours(pairs: list[tuple[int, int]]) -> None:
    left, right = zip(*pairs, strict=True)
    assert mix(keys(*left), keys(*right)).tolist() == [one(*pair) for pair in pairs]


def test_an_ordered_pair_has_another_key_than_the_pair_turned_round() -> None:
    assert one(1, 2) != one(2, 1)


def test_one_bit_changes_half_of_the_key() -> None:
    base = np.arange(1, 2000, dtype=np.uint64)
    changed = [np.bitwise_count(mix(base, 7) ^ mix(base ^ np.uint64(1 << bit), 7)).mean() for bit in range(64)]
    assert min(changed) > 30
    assert max(changed) < 34


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), "4oymiquy7qobjgx36tejs35zeq"),
        (("111122223333", "role/app", "event-1", 0), "7jbagu4m4amf4qzl2u4mwgpkld"),
    ],
)
def test_ids_are_a_contract_and_never_change(parts: tuple[object, ...], expected: str) -> None:
    assert short_id(*parts) == expected


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_parts_have_different_ids_wherever_they_are_cut(left: list[str], right: list[str]) -> None:
    assert (short_id(*left) == short_id(*right)) == (left == right)


@given(st.text(st.characters()))
def test_an_id_is_twenty_six_safe_characters_whatever_the_text(text: str) -> None:
    found = short_id(text)
    assert len(found) == 26
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz234567")
