from __future__ import annotations

from prometheus_client import generate_latest

from detector.telemetry import events
from detector.telemetry.metrics import MAX_SERIES, OTHER, Metrics

BATCH = events.BatchProcessed(
    uses={"accepted": 5, "resent": 1, "redelivered": 2, "scored": 4, "candidates": 1},
    seconds=0.02,
    age_seconds=12.0,
    principals=7,
    credentials=9,
    evicted=2,
)
EVENTS: list[events.Event] = [
    events.BlocksWritten({"cloudtrail": 6, "use": 2}, rows=10, blocks=3, size=1_000, seconds=0.01),
    events.PartitionStopped("uses", 3, 17, "damaged"),
    BATCH,
    BATCH,
    events.RecordsRejected({"json": 2, "oversize": 1}, "dead.ndjson"),
    events.AlertWritten("id", "incident", "high", "replay.new_origin"),
    events.AlertShadowed("id", "incident", "low", "replay.concurrent_use"),
    events.AlertTolerated("id", "incident", "high", "replay.new_origin"),
    events.AlertsDelivered("soc", {"delivered": 3, "repeated": 1}),
    events.AlertsDelivered("soc", {"delivered": 2}),
    events.DeliveryRetried("soc", 1, "HTTP 503"),
    events.DeliveryRefused("soc", "id", "incident", "refused", "HTTP 422"),
    events.DeliverySuspended("file", "HTTP 410"),
    events.CommitDone("raw", {0: 42}),
    events.LagMeasured("detector-ingest", "raw", {0: 5, 1: 0}),
    events.StreamRetried("write", 1, "no answer"),
    events.LoopLagMeasured(0.004),
    events.Started(("ingest", "detect"), "detector", "host-0", "default", "ab" * 32, "http://127.0.0.1:1"),
    events.Restored(3, 1.5),
    events.Stopping("SIGTERM"),
    events.Stopped("SIGTERM"),
]
EXPECTED = {
    'detector_events_total{outcome="accepted",source="cloudtrail"}': 6,
    'detector_events_total{outcome="accepted",source="use"}': 2,
    'detector_events_total{outcome="rejected",source="unknown"}': 3,
    'detector_uses_total{outcome="accepted"}': 10,
    'detector_uses_total{outcome="redelivered"}': 4,
    "detector_decision_seconds_count": 2,
    "detector_block_rows_total": 10,
    "detector_block_bytes_total": 1_000,
    "detector_ingest_seconds_count": 1,
    'detector_partition_stopped{partition="3",topic="uses"}': 1,
    'detector_event_age_seconds_bucket{le="15.0"}': 2,
    'detector_event_age_seconds_bucket{le="5.0"}': 0,
    'detector_alerts_total{detection="replay.new_origin",severity="high"}': 1,
    'detector_shadow_alerts_total{detection="replay.concurrent_use",severity="low"}': 1,
    "detector_state_credentials": 9,
    "detector_state_principals": 7,
    "detector_state_evicted_total": 4,
    'detector_dead_letters_total{reason="json"}': 2,
    'detector_deliveries_total{outcome="delivered",sink="soc"}': 5,
    'detector_deliveries_total{outcome="repeated",sink="soc"}': 1,
    'detector_deliveries_total{outcome="retried",sink="soc"}': 1,
    'detector_deliveries_total{outcome="refused",sink="soc"}': 1,
    'detector_deliveries_total{outcome="suspended",sink="file"}': 1,
    'detector_kafka_lag{group="detector-ingest",partition="0",topic="raw"}': 5,
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
    metrics(events.BatchProcessed({}, 0.1))
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


def test_a_partition_that_went_to_another_worker_has_no_lag_here_any_more() -> None:
    metrics = Metrics()
    for group in ("detector-ingest", "another"):
        metrics(events.LagMeasured(group, "raw", {0: 5, 1: 7}))
    metrics(events.LagMeasured("detector-ingest", "control", {0: 1}))
    metrics(events.Rebalanced("detector-ingest", {"raw": [1], "other": []}, 0.5))
    value = metrics.registry.get_sample_value
    assert value("detector_rebalances_total", {"group": "detector-ingest"}) == 1
    ours = {"group": "detector-ingest", "topic": "raw"}
    assert value("detector_kafka_lag", {**ours, "partition": "0"}) is None
    assert value("detector_kafka_lag", {**ours, "partition": "1"}) == 7
    assert value("detector_kafka_lag", {**ours, "group": "another", "partition": "0"}) == 5
    assert value("detector_kafka_lag", {**ours, "topic": "control", "partition": "0"}) == 1
