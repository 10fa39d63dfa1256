from __future__ import annotations

from prometheus_client import generate_latest

from detector.telemetry import events
from detector.telemetry.metrics import MAX_SERIES, OTHER, Metrics

BATCH = events.BatchProcessed(
    events={"cloudtrail": 3, "use": 1},
    uses={"accepted": 5, "resent": 1, "redelivered": 2, "scored": 4, "candidates": 1},
    seconds=0.02,
    age_seconds=12.0,
    principals=7,
    credentials=9,
    evicted=2,
)
EVENTS: list[events.Event] = [
    BATCH,
    BATCH,
    events.RecordsRejected({"json": 2, "oversize": 1}, "dead.ndjson"),
    events.AlertWritten("id", "incident", "high", "replay.new_origin"),
    events.AlertShadowed("id", "incident", "low", "replay.concurrent_use"),
    events.CommitDone("raw", {0: 42}),
    events.LagMeasured("raw", {0: 5, 1: 0}),
    events.StreamRetried("write", 1, "no answer"),
    events.LoopLagMeasured(0.004),
    events.Started("raw", "detector", 1, "default", "ab" * 32, "http://127.0.0.1:1"),
    events.Restored(10, 1.5),
    events.OrderUnstable("raw", 2),
    events.Stopping("SIGTERM"),
    events.Stopped(1, {0: 42}),
]
EXPECTED = {
    'detector_events_total{outcome="accepted",source="cloudtrail"}': 6,
    'detector_events_total{outcome="accepted",source="use"}': 2,
    'detector_events_total{outcome="rejected",source="unknown"}': 3,
    'detector_uses_total{outcome="accepted"}': 10,
    'detector_uses_total{outcome="redelivered"}': 4,
    "detector_decision_seconds_count": 2,
    'detector_event_age_seconds_bucket{le="15.0"}': 2,
    'detector_event_age_seconds_bucket{le="5.0"}': 0,
    'detector_alerts_total{detection="replay.new_origin",severity="high"}': 1,
    'detector_shadow_alerts_total{detection="replay.concurrent_use",severity="low"}': 1,
    "detector_state_credentials": 9,
    "detector_state_principals": 7,
    "detector_state_evicted_total": 4,
    'detector_dead_letters_total{reason="json"}': 2,
    'detector_kafka_lag{partition="0",topic="raw"}': 5,
    'detector_kafka_committed_offset{partition="0",topic="raw"}': 42,
    'detector_stream_retries_total{operation="write"}': 1,
    'detector_loop_lag_seconds_bucket{le="0.005"}': 1,
    'detector_model_info{sha="abababababababab",version="default"}': 1,
    "detector_restore_seconds": 1.5,
}


def page(metrics: Metrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_every_event_of_a_run_ends_in_its_metric() -> None:
    metrics = Metrics()
    for event in EVENTS:
        metrics(event)
    shown = page(metrics)
    assert {name: shown.get(name) for name in EXPECTED} == EXPECTED


def test_build_is_named_before_anything_happens() -> None:
    assert any(name.startswith('detector_build_info{python="3.') for name in page(Metrics()))


def test_two_services_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first(BATCH)
    assert page(second)["detector_decision_seconds_count"] == 0


def test_a_batch_of_unknown_age_is_not_counted_as_young() -> None:
    metrics = Metrics()
    metrics(events.BatchProcessed({}, {}, 0.1))
    assert page(metrics)["detector_event_age_seconds_count"] == 0


def test_a_label_that_never_repeats_is_folded_instead_of_growing_the_page() -> None:
    metrics = Metrics()
    for number in range(MAX_SERIES + 50):
        metrics(events.RecordsRejected({f"reason-{number}": 1}, "dead.ndjson"))
    series = {name: value for name, value in page(metrics).items() if name.startswith("detector_dead_letters_total{")}
    assert len(series) == MAX_SERIES + 1
    assert series[f'detector_dead_letters_total{{reason="{OTHER}"}}'] == 50


def test_no_created_series_double_the_page() -> None:
    metrics = Metrics()
    metrics(BATCH)
    assert not [name for name in page(metrics) if "_created" in name]
