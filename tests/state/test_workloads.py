"""Pods, their names and their ends, taught epoch by epoch."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from detector.domain import DAY, MINUTE, SECOND, Activity, Flag, Outcome, UseRow
from detector.fingerprint.pods import keys
from detector.state.workloads import Workloads
from tests.detections.cluster import ended, pod
from tests.rows import START, bytes_a_row, fingerprint

OLD, NEXT = "uid-old", "uid-next"


def taught(*epochs: list[UseRow], limit: int = 1000) -> Workloads:
    workloads = Workloads(limit)
    for rows in epochs:
        workloads.note(*fingerprint(*rows))
        workloads.learn()
    return workloads


def end_of(workloads: Workloads, uid: str, **columns: object) -> int | None:
    """Minutes after the start at which a pod ended; None while it runs."""
    batch, facets = fingerprint(pod(START, 0, uid, **columns))
    end = int(workloads.ended(keys(batch, facets, np.arange(1)).pod)[0])
    return (end - START // SECOND) // 60 if end else None


def at(minute: float, uid: str = OLD, **columns: object) -> UseRow:
    return pod(START + round(minute * MINUTE), 0, uid, **columns)


def end(minute: float, uid: str = "", **columns: object) -> UseRow:
    return ended(START + round(minute * MINUTE), 0, uid, **columns)


def test_an_end_with_a_uid_ends_that_pod() -> None:
    workloads = taught([at(0), at(0, NEXT), end(5, OLD)])
    assert (end_of(workloads, OLD), end_of(workloads, NEXT)) == (5, None)


def test_an_end_with_a_uid_counts_for_a_pod_that_was_never_seen() -> None:
    assert end_of(taught([end(5, OLD)]), OLD) == 5


def test_an_end_with_a_name_ends_the_pod_of_that_name() -> None:
    assert end_of(taught([at(0)], [end(5)]), OLD) == 5
    assert end_of(taught([at(0)], [end(5, instance="shop/web-1")]), OLD) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_the_next_pod_of_the_name_is_not_ended(order: tuple[int, ...], cut: int) -> None:
    """A StatefulSet: the old web-0 ends, and the next one speaks four seconds later; rows in any order."""
    rows = [at(0), end(5), at(5.07, NEXT)]
    parts = [[rows[one] for one in part] for part in (order[:cut], order[cut:]) if part]
    workloads = taught([at(-1)], *parts)
    assert (end_of(workloads, OLD), end_of(workloads, NEXT)) == (5, None)


def test_an_end_before_the_first_use_of_every_pod_of_the_name_ends_none() -> None:
    workloads = taught([end(5), at(6)])
    assert end_of(workloads, OLD) is None


def test_a_pod_seen_in_the_second_of_the_end_is_the_next_one() -> None:
    assert end_of(taught([at(5), end(5)]), OLD) is None


def test_a_token_issued_for_a_pod_tells_of_it_before_its_first_use() -> None:
    issued = at(0, activity=Activity.ISSUE)
    assert end_of(taught([issued, end(5), at(5.07, NEXT)]), OLD) == 5


def test_of_several_ends_the_last_counts() -> None:
    assert end_of(taught([at(0), end(9, OLD), end(5, OLD)]), OLD) == 9


@pytest.mark.parametrize(
    "columns", [{"outcome": Outcome.DENIED}, {"outcome": Outcome.FAILED}, {"flags": Flag.TS_SUSPECT}]
)
def test_a_removal_that_was_refused_or_is_not_believed_ends_nothing(columns: dict[str, object]) -> None:
    assert end_of(taught([at(0), end(5, OLD, **columns)]), OLD) is None


def test_pods_of_another_cluster_are_others() -> None:
    workloads = taught([at(0), at(0, account="stage"), end(5, account="stage")])
    assert (end_of(workloads, OLD), end_of(workloads, OLD, account="stage")) == (None, 5)


def test_an_instance_that_ends_elsewhere_is_no_pod() -> None:
    rows = [at(0), end(5, instance="i-0abc", account="111122223333", realm="111122223333")]
    assert end_of(taught(rows), OLD) is None


def test_nothing_has_ended_before_the_close() -> None:
    workloads = taught([at(0)])
    before = workloads.digest()
    workloads.note(*fingerprint(end(5, OLD)))
    assert end_of(workloads, OLD) is None
    assert workloads.digest() != before


def test_ended_pods_are_kept_a_week_and_running_ones_two() -> None:
    workloads = taught([at(0), at(0, NEXT, instance="shop/web-1"), end(5, OLD)])

    def gone(days: int) -> list[int]:
        return [len(slots) for _, slots in workloads.gone((START + 10 * MINUTE + days * DAY) // SECOND)]

    assert [gone(days) for days in (6, 7, 13, 14)] == [[0, 0], [1, 1], [1, 1], [2, 2]]


def test_over_the_limit_the_longest_unused_pods_go_with_their_names() -> None:
    rows = [at(turn, f"uid-{turn}", instance=f"shop/{turn}") for turn in range(20)]
    workloads = taught(rows, limit=16)
    (pods, gone), (names, nameless) = workloads.gone(START // SECOND)
    assert sorted(workloads.pods.first[gone].tolist()) == [START // SECOND + turn * 60 for turn in range(5)]
    assert len(nameless) == 5
    for table, slots in ((pods, gone), (names, nameless)):
        table.release(slots)
    assert len(pods) == len(names) == 15


def test_rows_cut_anywhere_teach_the_same() -> None:
    rows = [at(turn % 7, f"uid-{turn % 5}") if turn % 4 else end(turn % 7 + 0.5) for turn in range(30)]
    digests = set()
    for cut in (0, 1, 13, 29):
        workloads = Workloads(1000)
        for part in (rows[:cut], rows[cut:]):
            if part:
                workloads.note(*fingerprint(*part))
        waiting = workloads.digest()
        workloads.learn()
        digests.add((waiting, workloads.pods.digest(), workloads.names.digest()))
    assert len(digests) == 1


def test_a_pod_and_its_name_take_at_most_160_bytes() -> None:
    workloads = Workloads(4096)
    assert bytes_a_row(workloads.pods) + bytes_a_row(workloads.names) <= 160
