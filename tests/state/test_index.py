from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from detector.state.index import SlotIndex
from tests.rows import keys

# The multiplier that spreads keys, inverted: multiples of it by small numbers all begin their search in one cell.
CROWDED = [pow(0x9E3779B97F4A7C15, -1, 2**64) * at % 2**64 for at in range(1, 30)]
KEYS = st.one_of(st.integers(0, 40), st.sampled_from(CROWDED), st.integers(0, 2**64 - 1))


class Model:
    """What an index is: a dictionary, and the slots to give next."""

    def __init__(self) -> None:
        self.slots: dict[int, int] = {}
        self.freed: list[int] = []
        self.given = 0

    def admit(self, wanted: list[int]) -> tuple[list[int], list[int]]:
        fresh = []
        for key in wanted:
            if key not in self.slots:
                if self.freed:
                    self.slots[key] = self.freed.pop(0)
                else:
                    self.slots[key], self.given = self.given, self.given + 1
                fresh.append(self.slots[key])
        return [self.slots[key] for key in wanted], fresh

    def release(self, slots: list[int]) -> None:
        self.slots = {key: slot for key, slot in self.slots.items() if slot not in slots}
        self.freed += slots


class IndexIsADictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.index, self.model = SlotIndex(), Model()

    @rule(wanted=st.lists(KEYS, max_size=30))
    def admit(self, wanted: list[int]) -> None:
        slots, fresh = self.index.admit(keys(*wanted))
        assert (slots.tolist(), fresh.tolist()) == self.model.admit(wanted)

    @rule(start=st.integers(1, 300))
    def admit_many(self, start: int) -> None:
        """Enough to grow, and to meet cells that were released."""
        self.admit(list(range(start * 100, start * 100 + 150)))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        live = sorted(self.model.slots.values())
        if live:
            slots = data.draw(st.lists(st.sampled_from(live), unique=True, max_size=100))
            self.index.release(np.array(slots, np.int64))
            self.model.release(slots)

    @rule(wanted=st.lists(KEYS, max_size=30))
    def find(self, wanted: list[int]) -> None:
        assert self.index.find(keys(*wanted)).tolist() == [self.model.slots.get(key, -1) for key in wanted]

    @invariant()
    def live_slots_stand_in_the_order_of_their_keys(self) -> None:
        assert self.index.slots().tolist() == [slot for _, slot in sorted(self.model.slots.items())]
        assert len(self.index) == len(self.model.slots)
        assert self.index.capacity >= self.model.given


TestIndexIsADictionary = IndexIsADictionary.TestCase
TestIndexIsADictionary.settings = settings(max_examples=40, stateful_step_count=25)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_it_stays_a_dictionary_over_thousands_of_keys_that_come_and_go(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, model = SlotIndex(), Model()
    for _ in range(20):
        wanted = rng.integers(0, 20_000, 1_000).tolist()
        slots, fresh = index.admit(keys(*wanted))
        assert (slots.tolist(), fresh.tolist()) == model.admit(wanted)
        gone = rng.permutation(list(model.slots.values()))[:600].tolist()
        index.release(np.array(gone, np.int64))
        model.release(gone)
    assert index.find(np.arange(20_000, dtype=np.uint64)).tolist() == [
        model.slots.get(key, -1) for key in range(20_000)
    ]


def test_a_stream_of_keys_that_come_and_go_takes_no_more_room() -> None:
    index = SlotIndex()
    for start in range(0, 200_000, 1_000):
        slots, _ = index.admit(np.arange(start, start + 1_000, dtype=np.uint64))
        index.release(slots)
    assert index.capacity == 1_024
    assert len(index._cells) <= 4_096


def test_nothing_is_found_or_released_in_an_empty_index() -> None:
    index = SlotIndex()
    index.release(np.zeros(0, np.int64))

    assert index.find(keys(0, 1)).tolist() == [-1, -1]
    assert [part.tolist() for part in index.admit(keys())] == [[], []]
    assert index.slots().tolist() == []
