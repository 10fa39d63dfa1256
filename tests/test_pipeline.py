from __future__ import annotations

from collections.abc import Sequence

import pytest

from detector.detections.base import load_detections
from detector.domain import DAY, Activity, ActorClass, Flag, Outcome, UseRow
from detector.pipeline import Counts, Emission, Pipeline
from detector.state.shard import Limits
from tests.streams import random_rows
from tests.uses import BUNDLE, CLI, MINUTE, START, batch_of, history, instance, use, varied

DAY_EIGHT = START + 7 * DAY
THIEF = {"address": "192.0.2.66", "client": CLI}


def pipeline(limits: Limits | None = None) -> Pipeline:
    return Pipeline(BUNDLE, load_detections(), config_hash="config-digest", limits=limits)


def numbered(rows: Sequence[UseRow]) -> list[UseRow]:
    """Rows as a stream brings them: each with its own id and position."""
    return [
        varied(row, native_id=f"event-{at}", raw_partition=3, raw_offset=100 + at, ref_stream="log", ref_offset=at)
        for at, row in enumerate(rows)
    ]


def week() -> list[UseRow]:
    """A principal and three peers at home for a week."""
    peers = [varied(row, principal=f"peer-{peer}", credential=f"K{peer}") for peer in range(3) for row in history()]
    return sorted([*history(), *peers], key=lambda row: row.time)


def stolen(times: int = 5) -> list[UseRow]:
    """The owner and a thief in turn, for a while after the week."""
    return numbered([
        *week(),
        *(row for turn in range(times) for row in (
            use(DAY_EIGHT + 4 * turn * MINUTE), use(DAY_EIGHT + (4 * turn + 2) * MINUTE, **THIEF)
        )),
    ])  # fmt: skip


def run(rows: Sequence[UseRow], size: int = 4096) -> tuple[list[Emission], Pipeline]:
    one = pipeline()
    pieces = [batch_of(list(rows[at : at + size])) for at in range(0, len(rows), size)]
    return [emission for piece in pieces for emission in one.process(piece)], one


# --- what comes out ------------------------------------------------------------------------------------------------


def test_a_theft_is_one_incident_and_pages_once_for_each_severity() -> None:
    emissions, one = run(stolen(50))
    assert one.counts.incidents == 1
    assert len({emission.alert.incident_id for emission in emissions}) == 1
    pages = [emission.alert.severity for emission in emissions if emission.alert.is_alert]
    assert pages
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_an_emission_stands_at_the_row_that_decided_it(size: int) -> None:
    rows = stolen()
    emissions, _ = run(rows, size)
    assert emissions
    for emission in emissions:
        decided = rows[emission.raw_offset - 100]
        assert emission.raw_partition == 3
        assert emission.alert.evidence.event_ids[-1] == decided.native_id
        assert emission.alert.detected_time == emission.alert.time
    offsets = [emission.raw_offset for emission in emissions]
    assert offsets == sorted(offsets)


def test_a_closing_stands_at_the_row_that_let_the_day_pass() -> None:
    rows = stolen()
    later = numbered([*rows, use(DAY_EIGHT + DAY), use(DAY_EIGHT + 2 * DAY), use(DAY_EIGHT + 3 * DAY)])
    last = run(later)[0][-1]
    assert last.alert.status == "closed"
    assert (last.raw_partition, last.raw_offset) == (3, 100 + len(later) - 2)


def test_alerts_know_the_configuration_and_the_active_credentials() -> None:
    second = numbered([*week(), use(DAY_EIGHT, credential="AKIASECOND"), *stolen()[-10:]])
    alert = run(second)[0][-1].alert
    assert alert.detector.config == "config-digest"
    assert alert.detector.bundle.startswith("by-hand@")
    assert alert.response.active_credentials == 2


def test_the_end_of_the_input_closes_nothing() -> None:
    assert {emission.alert.status for emission in run(stolen())[0]} <= {"new", "update"}


# --- what is not scored --------------------------------------------------------------------------------------------


def whatever(seed: int, **columns: object) -> list[UseRow]:
    """A random stream that is full of evidence, on behalf of somebody who is not scored."""
    return [varied(row, **columns) for row in random_rows(seed, 600)]


@pytest.mark.parametrize("seed", range(3))
def test_humans_raise_nothing_whatever_they_do(seed: int) -> None:
    emissions, one = run(whatever(seed, actor_class=ActorClass.HUMAN))
    assert emissions == []
    assert (one.counts.scored, one.counts.candidates, one.principals) == (0, 0, 0)
    assert one.credentials > 0


@pytest.mark.parametrize("seed", range(3))
def test_services_on_behalf_raise_nothing_whatever_they_do(seed: int) -> None:
    emissions, one = run(whatever(seed, flags=Flag.ON_BEHALF))
    assert emissions == []
    assert (one.counts.scored, one.counts.candidates, one.principals) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_stream_raises_incidents_when_workloads_do_it(seed: int) -> None:
    """Otherwise the two laws above would hold for a detector that does nothing."""
    assert run(whatever(seed, actor_class=ActorClass.WORKLOAD, flags=0))[0]


@pytest.mark.parametrize("columns", [{"principal": ""}, {"credential": ""}])
def test_uses_of_nobody_raise_nothing(columns: dict[str, object]) -> None:
    assert run(whatever(1, **columns))[0] == []


def test_refused_noise_of_a_stranger_raises_nothing() -> None:
    """A scanner that tries a known key from everywhere and is refused every time."""
    noise = [
        use(DAY_EIGHT + at * MINUTE, address=f"203.0.{at}.9", client="", outcome=Outcome.DENIED) for at in range(60)
    ]
    assert run(numbered([*week(), *noise]))[0] == []


# --- counts --------------------------------------------------------------------------------------------------------


def test_rows_are_counted_by_what_became_of_them() -> None:
    rows = numbered([
        *week(),
        use(DAY_EIGHT, actor_class=ActorClass.HUMAN, principal="alice", credential="ASIAALICE"),
        use(DAY_EIGHT, activity=Activity.REVOKE, credential="AKIAOLD"),
        use(DAY_EIGHT + MINUTE, **THIEF),
    ])  # fmt: skip
    _, one = run(rows)
    counts = one.counts
    assert (counts.rows, counts.accepted, counts.resent, counts.redelivered) == (len(rows), len(rows), 0, 0)
    assert counts.scored == len(rows) - 2
    assert (counts.candidates, counts.incidents) == (1, 1)
    assert (one.principals, one.credentials) == (4, 6)


def test_rows_sent_again_are_dropped_and_counted() -> None:
    rows = stolen()
    once, first = run(rows)
    twice, second = run([*rows[:100], *rows[50:100], *rows[90:]])
    assert [emission.alert for emission in twice] == [emission.alert for emission in once]
    assert second.counts.resent == 60
    assert second.counts.accepted == first.counts.accepted == len(rows)
    assert second.digest() == first.digest()


def test_records_delivered_twice_are_dropped_and_counted() -> None:
    """Upstream wrote them again, further on in the partition."""
    rows = stolen()
    again = [varied(row, raw_offset=row.raw_offset + 10_000) for row in rows[-10:]]
    once, _ = run(rows)
    twice, second = run([*rows, *again])
    assert [emission.alert for emission in twice] == [emission.alert for emission in once]
    assert (second.counts.redelivered, second.counts.resent) == (10, 0)


def test_uses_of_one_record_are_told_apart() -> None:
    both = [varied(use(START), native_id="one", raw_offset=1, row=at, use_index=at) for at in range(2)]
    assert run(both)[1].counts.accepted == 2


def test_epochs_close_with_the_rows_and_with_the_time() -> None:
    fast = numbered([instance(START + at) for at in range(10_000)])
    assert run(fast)[1].counts.epochs == 2  # 4,096 rows each
    slow = numbered([instance(START + at * 10 * MINUTE) for at in range(10)])
    assert run(slow)[1].counts.epochs == 9  # each row but the first enters a new bucket of ten minutes


def test_what_is_remembered_is_bounded() -> None:
    limits = Limits(principals=64, credentials=64, holders=64, peers=64, rates=64)
    one = pipeline(limits)
    rows = numbered([
        use(START + at * MINUTE, principal=f"p-{at}", credential=f"K{at}", address=f"198.51.{at % 250}.1")
        for at in range(1000)
    ])  # fmt: skip
    one.process(batch_of(rows))
    one.process(batch_of([varied(rows[-1], native_id="last", time=START + 2 * DAY, raw_offset=99_999)]))
    assert one.counts.evicted > 800
    assert max(one.principals, one.credentials) <= 64


# --- nothing, and the digest ---------------------------------------------------------------------------------------


def test_an_empty_batch_changes_nothing() -> None:
    one = pipeline()
    before = one.digest()
    assert one.process(batch_of([])) == []
    assert one.counts == Counts()
    assert one.digest() == before


def test_empty_batches_between_others_change_nothing() -> None:
    rows = stolen()
    one, other = pipeline(), pipeline()
    emissions = [*one.process(batch_of(rows[:150])), *one.process(batch_of(rows[150:]))]
    with_empty = []
    for part in ([], rows[:150], [], rows[150:], []):
        with_empty += other.process(batch_of(part))
    assert with_empty == emissions
    assert other.digest() == one.digest()


def test_the_digest_tells_states_apart() -> None:
    rows = stolen()
    assert run(rows)[1].digest() == run(rows)[1].digest()
    assert run(rows)[1].digest() != run(rows[:-1])[1].digest()
