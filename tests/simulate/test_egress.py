from __future__ import annotations

import numpy as np

from detector.simulate.egress import Egress
from detector.simulate.world import DAY, HOUR, START

OLD, NEW, AWAY = ("240.0.0.1", "240.0.1.1"), ("240.0.2.1",), ("240.0.3.1",)


def used(egress: Egress, *seconds: int) -> list[tuple[str, str]]:
    return egress.addresses(np.random.default_rng(1), seconds)


def pool(egress: Egress, second: int) -> tuple[str, ...]:
    return egress.at(second).addresses


def test_uses_in_a_row_share_a_connection_and_the_pool_is_used_whole() -> None:
    egress = Egress.of("us-east-1", OLD, connection=4)
    found = [address for address, _ in used(egress, *range(START, START + 400))]
    assert all(len(set(found[at : at + 4])) == 1 for at in range(0, 400, 4))
    assert set(found) == set(OLD)


def test_a_change_is_for_good_and_news_for_a_while() -> None:
    egress = Egress.of("us-east-1", OLD)
    egress.change(START, NEW, "nat_rotation", news=DAY)
    assert used(egress, START - 1)[0] in [(address, "") for address in OLD]
    assert used(egress, START, START + DAY - 1) == [(NEW[0], "nat_rotation")] * 2
    assert used(egress, START + DAY) == [(NEW[0], "")]


def test_a_detour_ends_where_it_began() -> None:
    egress = Egress.of("us-east-1", OLD)
    egress.detour(START, START + HOUR, AWAY, "failover")
    assert used(egress, START, START + HOUR - 1) == [(AWAY[0], "failover")] * 2
    assert pool(egress, START - 1) == pool(egress, START + HOUR) == OLD


def test_what_changes_during_a_detour_is_there_when_it_ends() -> None:
    egress = Egress.of("us-east-1", OLD)
    egress.change(START + HOUR, NEW, "nat_rotation")
    egress.detour(START, START + 2 * HOUR, AWAY, "failover")
    assert pool(egress, START + HOUR + 1) == AWAY
    assert used(egress, START + 2 * HOUR) == [(NEW[0], "nat_rotation")]


def test_who_moves_leaves_the_old_place_and_follows_the_new_one() -> None:
    old, new = Egress.of("us-east-1", OLD), Egress.of("us-east-1", NEW)
    old.change(START + 5 * DAY, AWAY, "nat_rotation")
    new.change(START + 9 * DAY, AWAY, "nat_rotation")
    moved = old.moved(START, START + HOUR, new, "migration")
    assert pool(moved, START - 1) == OLD
    assert set(pool(moved, START)) == {*OLD, *NEW}
    assert used(moved, START + HOUR) == [(NEW[0], "migration")]
    assert used(moved, START + 6 * DAY) == [(NEW[0], "")]
    assert pool(moved, START + 9 * DAY) == AWAY
    assert pool(old, START + HOUR) == OLD  # the neighbours stay


def test_a_move_may_be_at_once() -> None:
    moved = Egress.of("us-east-1", OLD).moved(START, START, Egress.of("us-east-1", NEW), "migration")
    assert used(moved, START - 1, START)[1] == (NEW[0], "migration")
    assert pool(moved, START - 1) == OLD


def test_a_place_never_seen_is_news_until_told_otherwise() -> None:
    assert used(Egress.first_seen("us-east-1", "240.0.0.1", "pool"), START + 400 * DAY) == [("240.0.0.1", "pool")]
    short = Egress.first_seen("us-east-1", "240.0.0.1", "pool", START)
    assert [cause for _, cause in used(short, START - 1, START)] == ["pool", ""]
