"""The laws of the path: alerts and state are a function of the rows in order, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.alert import Alert, encode
from detector.bundle import Bundle, load_bundle
from detector.control import Control, Feedback, Revoked
from detector.detections.base import load_detections
from detector.domain import DAY, Activity, UseBatch, UseRow
from detector.pipeline import Configuration, Pipeline
from tests.oracle import Oracle, shard_content
from tests.streams import batch_of, cut, enriched, interrupted, random_rows

SHIPPED: Bundle = load_bundle(Path(__file__).parents[2] / "models" / "default")
# Principals of a random stream are seldom heard: with less history asked of them, more evidence is reached.
STRANGE = msgspec.structs.replace(SHIPPED.concurrency.strange, after_hour_cells=3)
CONCURRENCY = msgspec.structs.replace(SHIPPED.concurrency, strange=STRANGE)
BUNDLE = msgspec.structs.replace(SHIPPED, concurrency=CONCURRENCY)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.lists(st.sampled_from([1, 2, 7, 64, 512, 4096]), min_size=1, max_size=4)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(pieces: list[UseBatch]) -> tuple[list[bytes], Pipeline]:
    pipeline = Pipeline(BUNDLE, Configuration.of(load_detections()))
    alerts = [encode(one.alert) for piece in pieces for one in pipeline.process(piece)]
    return alerts, pipeline


@few
@given(seed=SEEDS, sizes=SIZES)
def test_batches_equal_one_row_at_a_time(seed: int, sizes: list[int]) -> None:
    batch = batch_of(random_rows(seed, cluster=0.5))
    oracle = Oracle(BUNDLE, load_detections())
    oracle.process(batch)
    alerts, pipeline = run(cut(batch, sizes))
    assert alerts == [encode(alert) for alert in oracle.alerts]
    theirs, ours = oracle.content(), shard_content(pipeline._shard)
    for part in theirs:
        assert ours[part] == theirs[part], part


@few
@given(seed=SEEDS, sizes=SIZES, since=st.sampled_from([0, 0, 150, 400]))
def test_batches_equal_one_row_at_a_time_with_providers(seed: int, sizes: list[int], since: int) -> None:
    batch = batch_of(enriched(random_rows(seed, 600, cluster=0.2), since))
    oracle = Oracle(BUNDLE, load_detections())
    oracle.process(batch)
    alerts, pipeline = run(cut(batch, sizes))
    assert alerts == [encode(alert) for alert in oracle.alerts]
    theirs, ours = oracle.content(), shard_content(pipeline._shard)
    for part in theirs:
        assert ours[part] == theirs[part], part


def test_random_streams_are_judged_by_provider() -> None:
    """Otherwise the law above would hold for a detector that ignores providers."""
    said = {
        reason.observed.rpartition(", ")[2]
        for seed in range(12)
        for alert in of(enriched(random_rows(seed, 600)))
        for reason in alert.reasons
        if reason.facet == "network"
    }
    assert "which it never used" in said
    assert len(said) > 1


@few
@given(seed=SEEDS, sizes=SIZES)
def test_ticks_and_control_rows_mean_the_same_however_batches_are_cut(seed: int, sizes: list[int]) -> None:
    rows = random_rows(seed, 500)
    incidents = sorted({alert.incident_id for alert in of(rows)})
    said = [feedback(one, "benign" if at % 2 else "confirm") for at, one in enumerate(incidents)] + revoked(rows)
    batch = batch_of(interrupted(rows, seed, said))
    oracle = Oracle(BUNDLE, load_detections())
    oracle.process(batch)
    alerts, pipeline = run(cut(batch, sizes))
    assert alerts == [encode(alert) for alert in oracle.alerts]
    theirs, ours = oracle.content(), shard_content(pipeline._shard)
    for part in theirs:
        assert ours[part] == theirs[part], part
    assert pipeline.digest() == run([batch])[1].digest()
    assert pipeline.counts.controls == sum(row.activity == Activity.CONTROL for row in interrupted(rows, seed, said))


def of(rows: list[UseRow]) -> list[Alert]:
    return [one.alert for one in Pipeline(BUNDLE, Configuration.of(load_detections())).process(batch_of(rows))]


def feedback(incident: str, verdict: Literal["confirm", "benign"]) -> Control:
    return Feedback(time="2026-01-09T00:00:00Z", incident_id=incident, verdict=verdict, reason="known", author="ann")


def revoked(rows: list[UseRow]) -> list[Control]:
    return [
        Revoked(time="2026-01-06T00:00:00Z", realm=row.realm, principal=row.principal, credential=row.credential)
        for row in rows[:400:100]
        if row.credential
    ]


def test_random_streams_reach_every_kind_of_evidence() -> None:
    """Otherwise the laws above would hold for a detector that does nothing."""
    facets: set[str] = set()
    statuses: set[bytes] = set()
    for seed in range(12):
        alerts, pipeline = run([batch_of(random_rows(seed, 600, cluster=0.5))])
        for incident in pipeline._incidents.open.values():
            facets |= incident.kinds
        for line in alerts:
            statuses |= {word for word in (b'"new"', b'"update"', b'"closed"') if b'"status":' + word in line}
    expected = {"network", "client", "concurrency", "path", "binding", "revocation", "workload_end", "action", "sweep"}
    assert facets >= expected
    assert statuses == {b'"new"', b'"update"', b'"closed"'}


@few
@given(seed=SEEDS, sizes=SIZES)
def test_cutting_batches_elsewhere_changes_nothing(seed: int, sizes: list[int]) -> None:
    batch = batch_of(random_rows(seed, 800, cluster=0.5))
    whole, once = run([batch])
    pieces, cut_up = run(cut(batch, sizes))
    assert pieces == whole
    assert cut_up.digest() == once.digest()


@few
@given(seed=SEEDS, sizes=SIZES, again=st.integers(1, 50))
def test_sending_rows_again_after_a_crash_changes_nothing(seed: int, sizes: list[int], again: int) -> None:
    batch = batch_of(random_rows(seed, cluster=0.5))
    whole, once = run([batch])
    pieces = cut(batch, sizes)
    resent = [piece for at, piece in enumerate(pieces) for piece in [*pieces[max(at - again, 0) : at], piece][-3:]]
    alerts, twice = run(resent)
    assert alerts == whole
    assert twice.digest() == once.digest()


@few
@given(seed=SEEDS, sizes=SIZES)
def test_records_delivered_twice_upstream_change_no_alert(seed: int, sizes: list[int]) -> None:
    rows = random_rows(seed, cluster=0.5)
    twice: list[UseRow] = []
    for at, row in enumerate(rows):
        twice.append(row._replace(raw_offset=2 * at))
        if at % 3 == 0:
            twice.append(row._replace(raw_offset=2 * at + 1))
    once = [row._replace(raw_offset=2 * at) for at, row in enumerate(rows)]
    assert run(cut(batch_of(twice), sizes))[0] == run([batch_of(once)])[0]


@pytest.mark.parametrize("sizes", [[1], [4096]])
def test_an_idle_day_closes_an_incident_once(sizes: list[int]) -> None:
    rows = random_rows(3, 600)
    late = max(row.time for row in rows) + 3 * DAY
    clock = rows[-1]._replace(principal="clock", time=late, raw_offset=9999)  # new, hence not judged
    ends = [clock._replace(native_id=f"late {p}", raw_partition=p) for p in (0, 1)]
    rows = [row._replace(append_time=0, flags=0) for row in rows + ends]
    alerts, pipeline = run(cut(batch_of(rows), sizes))
    closed = [line for line in alerts if b'"status":"closed"' in line]
    assert closed
    assert len(closed) == len({line[: line.index(b'"revision"')] for line in closed})
    assert not pipeline._incidents.open
