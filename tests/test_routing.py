"""Routing: what is compared meets in one partition, whatever it came in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import UseRow
from detector.errors import ConfigError
from detector.routing import Router
from detector.runtime.choice import Choice
from detector.runtime.scan import open_scan
from detector.settings import Realms, Settings
from detector.simulate.demo.fleet import fleet
from tests.dumps import ordered
from tests.rows import batch_of, row

REALMS = [f"{at:012}" for at in range(40)]


def routed(router: Router, rows: Sequence[UseRow]) -> list[int]:
    found: list[int] = router.partitions(batch_of(*rows)).tolist()
    return found


def homes(router: Router, realms: Sequence[str]) -> list[int]:
    return routed(router, [row(realm=realm) for realm in realms])


@given(
    st.lists(st.tuples(st.sampled_from(REALMS), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(1, 50),
    st.integers(1, 60),
)
def test_a_row_goes_where_its_realm_goes_whatever_the_batch(
    said: list[tuple[str, int]], partitions: int, size: int
) -> None:
    rows = [row(realm=realm, principal=f"svc/{number}") for realm, number in said]
    router = Router(partitions)
    whole = routed(router, rows)
    cut = [number for at in range(0, len(rows), size) for number in routed(router, rows[at : at + size])]

    assert cut == whole
    assert whole == [routed(Router(partitions), [one])[0] for one in rows]
    assert all(0 <= number < partitions for number in whole)
    assert len(set(zip((realm for realm, _ in said), whole, strict=True))) == len({realm for realm, _ in said})


def test_realms_are_spread_over_the_partitions() -> None:
    assert set(homes(Router(8), REALMS)) == set(range(8))


def test_no_rows_have_no_partitions() -> None:
    assert routed(Router(4), []) == []


def test_rows_without_a_realm_stay_together() -> None:
    assert len(set(routed(Router(8), [row(realm="", principal=name) for name in "abcdefgh"]))) == 1


def test_where_a_realm_goes_is_the_same_in_every_version() -> None:
    """Were it not, a new version would look for what is known of a realm where it never was."""
    assert homes(Router(8), ["111122223333", "cluster-1", "unknown"]) == [2, 5, 6]


# --- merge -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [2, 7, 64])
def test_merged_realms_go_where_the_first_of_them_goes(partitions: int) -> None:
    alone, router = Router(partitions), Router(partitions, merge=[REALMS[3:9], REALMS[20:22]])

    assert homes(router, REALMS[3:9]) == homes(alone, REALMS[3:4]) * 6
    assert homes(router, REALMS[20:22]) == homes(alone, REALMS[20:21]) * 2
    others = [*REALMS[:3], *REALMS[9:20], *REALMS[22:]]
    assert homes(router, others) == homes(alone, others)


def test_a_group_of_one_an_empty_one_and_a_realm_named_twice_in_one_change_nothing() -> None:
    router = Router(16, merge=[[REALMS[0]], [], [REALMS[1], REALMS[1]]])

    assert homes(router, REALMS) == homes(Router(16), REALMS)


# --- split -----------------------------------------------------------------------------------------------------------

LARGE = "999999999999"


def principals(count: int) -> list[UseRow]:
    return [row(realm=LARGE, principal=f"role/{at}") for at in range(count)]


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_split_realm_is_spread_over_its_parts_and_no_more(parts: int) -> None:
    found = routed(Router(4_096, split={LARGE: parts}), principals(400))

    assert len(set(found)) == parts
    assert min(found.count(number) for number in set(found)) > 400 / parts / 2


def test_a_principal_of_a_split_realm_stays_together_whatever_it_does() -> None:
    router = Router(64, split={LARGE: 8})
    rows = [
        one._replace(credential=f"KEY{at}", session=f"s-{at}", address=f"198.51.100.{at}", raw_partition=at)
        for at in range(20)
        for one in principals(12)
    ]
    found = dict(zip((one.principal for one in rows), routed(router, rows), strict=True))

    assert routed(router, rows) == [found[one.principal] for one in rows]
    assert len(set(found.values())) > 1


def test_what_names_no_principal_stays_in_the_first_part_which_is_where_the_realm_was() -> None:
    router = Router(64, split={LARGE: 8})

    assert routed(router, [row(realm=LARGE, principal="")]) == homes(Router(64), [LARGE])
    assert homes(Router(64), [LARGE])[0] in routed(router, principals(40))


def test_splitting_one_realm_moves_no_other() -> None:
    rows = [row(realm=realm, principal=f"role/{at}") for at in range(5) for realm in REALMS]

    assert routed(Router(16, split={LARGE: 4}), rows) == routed(Router(16), rows)
    mixed = [one for pair in zip(rows[:40], principals(40), strict=True) for one in pair]
    assert routed(Router(16, split={LARGE: 4}), mixed)[::2] == routed(Router(16), rows[:40])


# --- what contradicts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("merge", "split"),
    [
        ([["a", "b"], ["b", "c"]], {}),
        ([["a", "b"], ["c", "b", "b"]], {}),
        ([["b", "a"]], {"b": 2}),
        ([["a", "b"]], {"b": 2}),
        ([["b"]], {"b": 2}),
    ],
)
def test_a_realm_that_is_named_twice_is_refused(merge: list[list[str]], split: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"^realms: expected each realm in one group .* found b twice$"):
        Router(4, merge, split)


# --- the same everywhere ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [Settings(), Settings(realms=Realms(split={"111122223333": 2}))])
def test_scan_with_partitions_knows_in_each_what_the_rows_routed_there_say(tmp_path: Path, settings: Settings) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(fleet(3, days=1, events_per_day=1_000).records))
    scan = open_scan(settings, [str(log)], partitions=5)
    for _ in scan.steps():
        pass
    router, choice = Router(5, settings.realms.merge, settings.realms.split), Choice(settings)
    pipelines = [choice.pipeline() for _ in range(5)]
    for batch in ordered(log):
        partition = router.partitions(batch)
        for number, pipeline in enumerate(pipelines):
            pipeline.process(batch.take(partition == number))

    assert [one.digest() for one in scan.pipelines] == [one.digest() for one in pipelines]
    assert sum(one.counts.accepted > 0 for one in pipelines) > 1, "a log of one partition would prove nothing"
