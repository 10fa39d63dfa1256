from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import U64
from detector.fingerprint.facets import LADDERS
from detector.fingerprint.hashing import mix
from detector.state.peers import (
    REGISTERS,
    UNIT,
    PeerTable,
    _rank,
    children_key,
    members_key,
    origin_key,
    pairs_key,
    root_value,
)
from tests.rows import keys

WORDS = st.integers(0, 2**64 - 1)
ADDITIONS = st.lists(st.tuples(st.integers(0, 3), WORDS), max_size=30)


def table(generation: int = 600) -> PeerTable:
    found = PeerTable(10_000)
    found.generation = generation
    return found


def add(peers: PeerTable, additions: list[tuple[int, int]]) -> None:
    peers.add(keys(*(key for key, _ in additions)), keys(*(member for _, member in additions)))


def members(count: int, seed: int = 0) -> U64:
    """Keys of `count` principals."""
    return mix(np.arange(count, dtype=np.uint64), seed + 1)


def counted(peers: PeerTable, key: int) -> float:
    return float(peers.estimate(keys(key))[0]) / UNIT


@given(ADDITIONS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_nor_cuts_change_what_was_added(
    additions: list[tuple[int, int]], order: Random
) -> None:
    once, again = table(), table()
    add(once, additions)
    twice = additions * 2
    order.shuffle(twice)
    for at in range(0, len(twice), 7):
        add(again, twice[at : at + 7])

    assert again.digest() == once.digest()


@given(st.lists(st.integers(0, 2**60 - 1)))
def test_the_rank_is_one_more_than_the_leading_zeros_of_sixty_bits(bits: list[int]) -> None:
    edges = [2**k + d for k in range(60) for d in (-1, 0, 1) if 2**k + d < 2**60]

    assert _rank(keys(*bits, *edges)).tolist() == [61 - number.bit_length() for number in (*bits, *edges)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 20, 50, 200, 1000])
def test_counts_of_distinct_members_are_right_within_the_error_of_sixteen_registers(count: int) -> None:
    """Standard error 1.04 / sqrt(16) (Flajolet et al. 2007); linear counting of few members is better."""
    peers, trials = table(), 400
    for trial in range(trials):
        peers.add(np.full(count, trial, np.uint64), members(count, seed=trial))

    error = peers.estimate(np.arange(trials, dtype=np.uint64)) / UNIT / count - 1

    assert abs(error.mean()) < 0.1
    assert math.sqrt((error**2).mean()) < (0.3 if count > 5 else 0.2)


def test_one_member_is_counted_once_however_often_it_comes() -> None:
    peers = table()
    for _ in range(5):
        peers.add(np.full(1_000, 7, np.uint64), np.full(1_000, 12_345, np.uint64))

    assert counted(peers, 7) == pytest.approx(1, abs=0.05)


def test_what_was_never_added_counts_nothing() -> None:
    peers = table()
    add(peers, [(1, 5)])

    assert counted(peers, 2) == 0
    assert table().estimate(keys()).tolist() == []


def test_members_made_to_look_like_billions_count_as_many_and_break_nothing() -> None:
    """Hashes are public: whoever picks names can pick those with the highest rank."""
    peers = table()
    peers.add(np.full(REGISTERS, 7, np.uint64), np.arange(REGISTERS, dtype=np.uint64))

    assert counted(peers, 7) > 1e9


def test_a_member_counts_for_thirty_to_sixty_days() -> None:
    peers = table()
    peers.add(np.full(5, 7, np.uint64), members(5))
    fresh = counted(peers, 7)
    found = []
    for _ in range(3):
        found.append(counted(peers, 7))
        peers.generation += 1

    assert fresh > 3
    assert found == [fresh, fresh, 0]


def test_two_generations_are_counted_together_and_the_older_one_leaves() -> None:
    peers = table()
    older, newer = members(5), members(5, seed=9)
    peers.add(np.full(5, 7, np.uint64), older)
    peers.generation += 1
    peers.add(np.full(5, 7, np.uint64), newer)
    alone = table()
    alone.add(np.full(5, 7, np.uint64), newer)
    both = table()
    both.add(np.full(10, 7, np.uint64), np.concatenate([older, newer]))

    assert counted(peers, 7) == counted(both, 7)
    peers.generation += 1
    assert counted(peers, 7) == counted(alone, 7)
    peers.add(keys(7), newer[:1])
    assert counted(peers, 7) == counted(alone, 7), "a member of both generations counts once"


def test_after_a_pause_nothing_of_the_old_generations_returns() -> None:
    peers = table()
    for _ in range(2):
        peers.add(np.full(5, 7, np.uint64), members(5))
        peers.generation += 1
    peers.generation += 5
    peers.add(keys(7), keys(1))

    assert counted(peers, 7) == pytest.approx(1, abs=0.05)


def test_over_the_limit_the_oldest_generation_is_forgotten_first() -> None:
    peers = PeerTable(16)
    for generation, start in ((602, 0), (600, 10), (601, 20)):
        peers.generation = generation
        peers.add(np.arange(start, start + 6, dtype=np.uint64), np.arange(6, dtype=np.uint64))

    assert sorted(int(key) for key in peers.index.keys[peers.forget()]) == [10, 11, 12]


def test_the_usage_of_a_value_is_that_of_its_scope_and_parent() -> None:
    peers, scope, parent = table(), keys(1), keys(9)
    for value, users in ((10, 2), (11, 1)):
        who = members(users)
        for key, member in (
            (members_key(scope, keys(value)), who),
            (pairs_key(scope, parent), mix(who, value)),
            (children_key(scope, parent), keys(value)),
        ):
            peers.add(np.full(len(member), key[0]), member)

    def usage(scope: int, value: int) -> list[int]:
        return [round(float(found[0]) / UNIT) for found in peers.usage(keys(scope), keys(value), parent)]

    assert usage(1, 10) == [2, 3, 2]
    assert usage(1, 11) == [1, 3, 2]
    assert usage(1, 12) == [0, 3, 2]
    assert usage(2, 10) == [0, 0, 0]


def test_a_value_is_never_used_by_more_than_there_are_uses_under_its_parent() -> None:
    """Two estimates err apart; a probability above one must not come of it."""
    peers, scope = table(), keys(1)
    who = members(30)
    peers.add(np.full(30, members_key(scope, keys(10))[0]), who)
    peers.add(np.full(3, pairs_key(scope, keys(9))[0]), who[:3])
    members_, pairs, _ = peers.usage(scope, keys(10), keys(9))

    assert members_ == pairs


def test_the_roots_of_the_ladders_differ() -> None:
    assert len({root_value(ladder) for ladder in range(len(LADDERS))}) == len(LADDERS)


def test_members_pairs_children_and_holders_are_counted_apart() -> None:
    scope, value = keys(1), keys(2)
    made = [int(make(scope, value)[0]) for make in (members_key, pairs_key, children_key, origin_key)]

    assert len({*made, *(int(make(value, scope)[0]) for make in (members_key, pairs_key, children_key))}) == 7
