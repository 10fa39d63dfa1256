from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import I64
from detector.fingerprint.facets import ACTION, ADDRESS, CLIENT, FAMILY, PREFIX, PROVIDER, SERVICE
from detector.scoring.fixed import CELL, HALF_LIFE_DAYS
from detector.state.principals import HOME_OF, PLACES, ROOT_OF, WAYS, Lessons, PrincipalTable
from tests.rows import START, bytes_a_row, keys

NOW = START // 3_600_000_000  # an hour, and a midnight
NETWORK = 0  # the ladder


def value(set_: int, tag: int) -> int:
    """A value that stands in a set, under a tag."""
    return set_ << 32 | tag


class Profile:
    """A table with one principal, taught one value at a time."""

    def __init__(self) -> None:
        self.table = PrincipalTable(10)
        self.slot, _ = self.table.admit(keys(99))

    def learn(self, what: int, hour: int, level: int = PREFIX, parent: int = 0) -> None:
        self.table.learn(Lessons(self.slot, numbers(level), keys(what), keys(parent), numbers(hour)))

    def hours(self, what: int, hour: int, level: int = PREFIX) -> float:
        """Hour cells of a value as of an hour."""
        return float(self.table.seen(self.slot, level, keys(what), numbers(hour))[0][0]) / CELL

    def children(self, what: int) -> int:
        return int(self.table.seen(self.slot, PREFIX, keys(what), numbers(NOW))[1][0])

    def total(self, hour: int) -> tuple[float, int]:
        """Hour cells and values of the network ladder."""
        count, children = self.table.total(self.slot, NETWORK, numbers(hour))
        return float(count[0]) / CELL, int(children[0])

    def stale(self, what: int, hour: int) -> tuple[bool, bool]:
        new_hour, new_day = self.table.stale(self.slot, PREFIX, keys(what), numbers(hour))
        return bool(new_hour[0]), bool(new_day[0])


def numbers(*values: int) -> I64:
    return np.array(values, np.int64)


def test_hours_are_counted_and_not_uses() -> None:
    profile = Profile()
    for _ in range(1_000):
        profile.learn(7, NOW)
    assert profile.hours(7, NOW) == 1
    profile.learn(7, NOW + 1)
    assert profile.hours(7, NOW + 1) == 2
    assert profile.total(NOW + 1) == (2, 1)


def test_an_hour_counts_half_after_fourteen_days_and_nothing_changes_within_a_day() -> None:
    profile = Profile()
    for hour in range(8):
        profile.learn(7, NOW + hour)
    days = [profile.hours(7, NOW + 7 + 24 * day) for day in (0, HALF_LIFE_DAYS, 2 * HALF_LIFE_DAYS)]

    assert days == pytest.approx([8, 4, 2], rel=0.01)
    assert profile.hours(7, NOW + 7 + 23) == 8
    assert profile.total(NOW + 7 + 24 * HALF_LIFE_DAYS)[0] == pytest.approx(4, rel=0.01)


def test_what_is_learnt_later_is_added_to_what_has_decayed() -> None:
    profile = Profile()
    for hour in (NOW, NOW + 1, NOW + 1 + 24 * HALF_LIFE_DAYS):
        profile.learn(7, hour)

    assert profile.hours(7, NOW + 1 + 24 * HALF_LIFE_DAYS) == pytest.approx(2, rel=0.01)


def test_an_hour_before_the_last_one_teaches_nothing() -> None:
    profile = Profile()
    profile.learn(7, NOW)
    before = profile.table.digest()
    for late in (NOW, NOW - 1, NOW - 1_000):
        profile.learn(7, late)

    assert profile.table.digest() == before
    assert profile.hours(7, NOW - 1_000) == 1, "and decays backwards into nothing it never was"


def test_a_late_value_counts_and_leaves_the_total_as_of_the_latest_hour() -> None:
    profile = Profile()
    profile.learn(7, NOW)
    profile.learn(8, NOW - 24 * HALF_LIFE_DAYS)

    assert profile.total(NOW) == (2, 2)
    assert profile.hours(8, NOW) == pytest.approx(0.5, rel=0.01)


VALUES = [value(at, at + 1) for at in range(PLACES.sets)]  # a set each, so none displaces another
LESSONS = st.lists(st.tuples(st.sampled_from(VALUES), st.integers(-50, 50)), max_size=40)


@given(LESSONS)
def test_below_the_size_of_a_set_a_profile_is_a_dictionary_of_distinct_hours(lessons: list[tuple[int, int]]) -> None:
    """Within days that do not decay, the count of a value is the number of its hours that were not late."""
    profile = Profile()
    last: dict[int, int] = {}
    count: dict[int, int] = dict.fromkeys(VALUES, 0)
    for what, hour in lessons:
        hour = hour // 10 + NOW  # noqa: PLW2901 - few hours of one day, so that they repeat
        if hour > last.get(what, -1):
            last[what], count[what] = hour, count[what] + 1
        profile.learn(what, hour)

    assert {what: profile.hours(what, NOW) for what in VALUES} == count
    assert profile.total(NOW) == (sum(count.values()), len(last))


def test_a_full_set_gives_up_its_faintest_value() -> None:
    profile = Profile()
    for tag in range(1, WAYS + 1):
        for hour in range(2 if tag == 3 else 4):
            profile.learn(value(5, tag), NOW + hour)
    profile.learn(value(5, 100), NOW + 4)

    assert [tag for tag in range(1, WAYS + 1) if not profile.hours(value(5, tag), NOW + 4)] == [3]
    assert profile.hours(value(5, 100), NOW + 4) == 1


def test_an_old_value_is_fainter_than_a_new_one_of_fewer_hours() -> None:
    profile = Profile()
    for hour in range(6):
        profile.learn(value(5, 1), NOW + hour)
    later = NOW + 24 * 60
    for tag in range(2, WAYS + 1):
        profile.learn(value(5, tag), later)
    profile.learn(value(5, 100), later + 1)

    assert profile.hours(value(5, 1), later + 1) == 0


def test_a_value_outside_a_full_set_displaces_nothing_of_it() -> None:
    profile = Profile()
    for tag in range(1, WAYS + 1):
        profile.learn(value(5, tag), NOW)
    profile.learn(value(6, 1), NOW)

    assert all(profile.hours(value(5, tag), NOW) == 1 for tag in range(1, WAYS + 1))


def test_places_and_actions_displace_nothing_of_each_other() -> None:
    """A principal whose addresses always change forgets none of its rare actions, and the reverse."""
    profile = Profile()
    profile.learn(value(5, 1), NOW)
    profile.learn(value(5, 1), NOW, level=ACTION)
    for tag in range(2, 200):
        profile.learn(value(5, tag), NOW + tag, level=ADDRESS)
    assert profile.hours(value(5, 1), NOW, level=PREFIX) == 0
    assert profile.hours(value(5, 1), NOW, level=ACTION) == 1
    for tag in range(2, 200):
        profile.learn(value(5, tag), NOW + tag, level=ACTION)
    assert profile.hours(value(5, 1), NOW, level=ACTION) == 0
    assert profile.hours(value(5, 199), NOW + 199, level=ADDRESS) == 1


def test_a_child_is_counted_once_at_its_parent() -> None:
    profile = Profile()
    profile.learn(value(1, 1), NOW)
    for hour in range(3):
        profile.learn(value(2, 2), NOW + hour, level=ADDRESS, parent=value(1, 1))
    profile.learn(value(3, 3), NOW, level=ADDRESS, parent=value(1, 1))

    assert profile.children(value(1, 1)) == 2
    assert profile.total(NOW) == (1, 1), "a lower value is no value of the ladder's upper level"


def test_a_child_of_a_parent_that_was_given_up_is_counted_nowhere() -> None:
    profile = Profile()
    profile.learn(value(2, 2), NOW, level=ADDRESS, parent=value(1, 1))

    assert profile.children(value(1, 1)) == 0
    assert profile.hours(value(2, 2), NOW) == 1


def test_numbers_stop_at_their_largest_instead_of_starting_over() -> None:
    profile = Profile()
    profile.learn(value(1, 1), NOW)
    for child in range(300):
        profile.learn(value(2 + child % 4, 2 + child), NOW, level=ADDRESS, parent=value(1, 1))
    slot = profile.slot
    profile.table.count[slot], profile.table.root_children[slot], profile.table.home_weight[slot] = (
        65_535,
        65_535,
        65_535,
    )
    profile.learn(value(1, 1), NOW + 1)
    profile.learn(value(9, 9), NOW + 1)

    assert profile.children(value(1, 1)) == 255
    assert profile.hours(value(1, 1), NOW + 1) == 65_535 / CELL
    assert profile.total(NOW + 1)[1] == 65_535
    assert profile.table.home_weight[slot].max() <= 65_535


def test_home_is_where_most_hours_were_spent() -> None:
    profile = Profile()
    for hour in range(22):
        profile.learn(value(1, 1) if hour % 3 else value(2, 2), NOW + hour)
    for level, what in ((ADDRESS, 31), (FAMILY, 32), (CLIENT, 33), (SERVICE, 34), (ACTION, 35), (PROVIDER, 36)):
        profile.learn(what, NOW, level=level)

    home = profile.table.home[profile.slot[0]]
    assert {level: int(home[at]) for level, at in HOME_OF.items()} == {
        PREFIX: value(1, 1), CLIENT: 33, ACTION: 35, PROVIDER: 36
    }  # fmt: skip


def test_a_provider_counts_its_prefixes_and_a_prefix_still_has_its_root() -> None:
    profile = Profile()
    profile.learn(9, NOW, level=PROVIDER)
    for prefix in (7, 8, 7):
        profile.learn(prefix, NOW, parent=9)
    profile.learn(6, NOW)

    assert profile.table.seen(profile.slot, PROVIDER, keys(9), numbers(NOW))[1].tolist() == [2]
    assert profile.total(NOW) == (3, 3), "with and without a provider"
    assert [int(part[0]) for part in profile.table.total(profile.slot, ROOT_OF[PROVIDER], numbers(NOW))] == [CELL, 1]


def test_providers_are_learnt_before_the_prefixes_under_them() -> None:
    table = PrincipalTable(10)
    slot, _ = table.admit(keys(99))
    both = Lessons(slot.repeat(2), numbers(PREFIX, PROVIDER), keys(7, 9), keys(9, 0), numbers(NOW, NOW))
    table.learn(both.canonical(keys(99, 99)))

    assert table.seen(slot, PROVIDER, keys(9), numbers(NOW))[1].tolist() == [1]


def test_a_new_hour_and_a_new_day_are_told_apart() -> None:
    profile = Profile()
    assert profile.stale(7, NOW) == (True, True), "never used"
    profile.learn(7, NOW + 10)

    assert profile.stale(7, NOW + 10) == (False, False), "the same hour"
    assert profile.stale(7, NOW + 23) == (True, False), "a new hour of the same day"
    assert profile.stale(7, NOW + 24) == (True, True), "the next day"
    assert profile.stale(7, NOW + 9) == (False, False), "late"
    assert profile.stale(7, NOW - 48) == (False, False), "late by days"


def test_hours_wrap_after_seven_and_a_half_years_and_half_of_them_are_understood() -> None:
    """Documented limit: hours are kept modulo 2**16. Within 3.7 years of its last use a value is dated rightly; one
    that comes back after longer looks late, and teaches nothing until its hour has come round."""
    profile = Profile()
    profile.learn(7, NOW)

    assert profile.stale(7, NOW + 0x7FFF) == (True, True)
    assert profile.hours(7, NOW + 0x7FFF) == 0
    assert profile.stale(7, NOW + 0x8000) == (False, False)
    assert profile.hours(7, NOW + 0x8000) == 1
    assert profile.stale(7, NOW + 0x10000 + 24) == (True, True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 6), st.integers(0, 60)), max_size=40))
def test_many_principals_learn_at_once_what_each_learns_alone(taught: list[tuple[int, int, int, int]]) -> None:
    levels = [PROVIDER, PREFIX, ADDRESS, FAMILY, CLIENT]  # parents first, as `canonical` has them
    taught.sort()

    def made(at: int, what: int) -> int:
        return what << 30 | (at + 1) << 8 | what  # several of one set, none of one tag

    def lessons(some: list[tuple[int, int, int, int]], slots: list[int]) -> Lessons:
        return Lessons(
            numbers(*slots),
            numbers(*(levels[at] for _, at, _, _ in some)),
            keys(*(made(at, what) for _, at, what, _ in some)),
            keys(*(0 if levels[at] in {PROVIDER, FAMILY} else made(at - 1, 1) for _, at, _, _ in some)),
            numbers(*(NOW + hour for _, _, _, hour in some)),
        )

    together, alone = PrincipalTable(10), PrincipalTable(10)
    for table in (together, alone):
        table.admit(keys(0, 1, 2, 3))
    together.learn(lessons(taught, [one[0] for one in taught]))
    for who in range(4):
        for one in (one for one in taught if one[0] == who):
            alone.learn(lessons([one], [who]))

    assert together.digest() == alone.digest()


def test_children_learnt_at_once_are_all_counted_up_to_what_a_cell_holds() -> None:
    profile = Profile()
    profile.learn(value(0, 1), NOW)
    for first, expected in ((1, 200), (201, 255)):
        made = keys(*(value(1, first + at) for at in range(200)))
        slot, level, hour = (np.full(200, number) for number in (int(profile.slot[0]), ADDRESS, NOW))
        profile.table.learn(Lessons(slot, level, made, keys(*[value(0, 1)] * 200), hour))
        assert profile.children(value(0, 1)) == expected


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), max_size=20), st.randoms(use_true_random=False))
def test_lessons_in_canonical_order_are_a_set_sorted_by_principal_level_value_and_hour(
    taught: list[tuple[int, int, int, int]], order: Random
) -> None:
    order.shuffle(taught)
    principal, level, what, hour = (numbers(*(one[at] for one in taught)) for at in range(4))
    lessons = Lessons(principal, level, what.astype(np.uint64), what.astype(np.uint64), hour)

    found = lessons.canonical(principal.astype(np.uint64))

    rows = zip(found.slot.tolist(), found.level.tolist(), found.value.tolist(), found.hour.tolist(), strict=True)
    assert list(rows) == sorted(set(taught))


def test_a_principal_takes_at_most_one_kibibyte() -> None:
    assert bytes_a_row(PrincipalTable(4_096)) <= 1_024
