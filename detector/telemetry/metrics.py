"""Every metric, declared in one place, with its unit, its help and its labels.

`Metrics` is an observer: it turns telemetry events into numbers of its own `CollectorRegistry` (never the library's
global one, so that two services in one process do not mix). Labels come from closed sets (sources, outcomes,
reasons, severities, detections) and never from a log: a credential or an address must not become a series. Should
a set prove open after all, `MAX_SERIES` bounds it and the rest is counted under `_other`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from detector import __version__
from detector.telemetry.events import (
    AlertsDelivered,
    AlertShadowed,
    AlertTolerated,
    AlertWritten,
    BatchProcessed,
    BlocksWritten,
    CommitDone,
    DeliveryRefused,
    DeliveryRetried,
    DeliverySuspended,
    Event,
    LagMeasured,
    LoopLagMeasured,
    PartitionStopped,
    Rebalanced,
    RecordsRejected,
    Restored,
    Started,
    StreamRetried,
)

MAX_SERIES: Final = 200
OTHER: Final = "_other"

AGE_BUCKETS: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 21600, 86400)
DECISION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
LOOP_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not say; a `_created` series beside each counter doubles the page and says nothing


class Metrics:
    """The numbers of one service. Call it with an event; expose `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declare_path()
        self._declare_alerts()
        self._declare_rim()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._seen: dict[object, set[str]] = {}
        self._lagging: set[tuple[str, str, int]] = set()
        self.build_info.labels(__version__, platform.python_version()).set(1)

    def _declare_path(self) -> None:
        registry = self.registry
        self.events = Counter(
            "detector_events_total", "Logged records by source: accepted or rejected.", ["source", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.uses = Counter(
            "detector_uses_total",
            "Uses by what the pipeline did with them: accepted, resent, redelivered, scored, candidates.",
            ["outcome"],
            registry=registry,
        )
        self.event_age = Histogram(
            "detector_event_age_seconds", "Age of the last use of each batch when it was decided, by event time.",
            buckets=AGE_BUCKETS, registry=registry,
        )  # fmt: skip
        self.decision = Histogram(
            "detector_decision_seconds", "Time to decide one batch, from uses to alerts.", buckets=DECISION_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self.block_rows = Counter("detector_block_rows_total", "Rows written to the topic of uses.", registry=registry)
        self.without_provider = Counter(
            "detector_uses_without_provider_total", "Rows with an address whose owner the assets do not know.",
            registry=registry,
        )  # fmt: skip
        self.block_bytes = Counter("detector_block_bytes_total", "Bytes of the blocks they are in.", registry=registry)
        self.ingest = Histogram(
            "detector_ingest_seconds", "Time from a fetch of raw records to their acknowledged blocks.",
            buckets=DECISION_BUCKETS, registry=registry,
        )  # fmt: skip
        self.credentials = Gauge("detector_state_credentials", "Live credentials in the state.", registry=registry)
        self.principals = Gauge("detector_state_principals", "Live principals in the state.", registry=registry)
        self.evicted = Counter("detector_state_evicted_total", "Entries the state let go.", registry=registry)

    def _declare_alerts(self) -> None:
        registry = self.registry
        self.alerts = Counter(
            "detector_alerts_total", "Alerts acknowledged by their output.", ["severity", "detection"],
            registry=registry,
        )  # fmt: skip
        self.shadowed = Counter(
            "detector_shadow_alerts_total", "Alerts not written: only detections in shadow have fired.",
            ["severity", "detection"], registry=registry,
        )  # fmt: skip
        self.tolerated = Counter(
            "detector_tolerated_alerts_total", "Alerts not written: an exception of the assets holds.",
            ["severity", "detection"], registry=registry,
        )  # fmt: skip

    def _declare_rim(self) -> None:
        registry = self.registry
        self.dead_letters = Counter(
            "detector_dead_letters_total", "Records set aside because they could not be read.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.deliveries = Counter(
            "detector_deliveries_total", "Alerts by sink and by what became of them there.", ["sink", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.lag = Gauge(
            "detector_kafka_lag", "Records that have arrived and are not read yet.",
            ["group", "topic", "partition"], registry=registry,
        )  # fmt: skip
        self.stopped = Gauge(
            "detector_partition_stopped", "1 where a partition of uses holds a record that cannot be read.",
            ["topic", "partition"], registry=registry,
        )  # fmt: skip
        self.committed = Gauge(
            "detector_kafka_committed_offset", "Next offset to read; everything before it is delivered.",
            ["topic", "partition"], registry=registry,
        )  # fmt: skip
        self.retries = Counter(
            "detector_stream_retries_total", "Operations tried again because the broker did not answer.",
            ["operation"], registry=registry,
        )  # fmt: skip
        self.rebalances = Counter(
            "detector_rebalances_total", "Times that a group gave its partitions anew.", ["group"], registry=registry
        )
        self.loop_lag = Histogram(
            "detector_loop_lag_seconds", "How late the event loop woke a sleeper.", buckets=LOOP_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self.restore = Gauge(
            "detector_restore_seconds", "Time the silent replay took after the last start.", registry=registry
        )
        self.model_info = Gauge(
            "detector_model_info", "The model bundle in use.", ["version", "sha"], registry=registry
        )
        self.build_info = Gauge("detector_build_info", "This build.", ["version", "python"], registry=registry)

    def __call__(self, event: Event) -> None:
        """Count one event. Unknown ones are nobody's business here: some are only logged."""
        match event:
            case BatchProcessed():
                self._batch(event)
            case BlocksWritten():
                self._written(event)
            case PartitionStopped(topic=topic, partition=partition):
                self.stopped.labels(topic, str(partition)).set(1)
            case RecordsRejected(reasons=reasons):
                self._rejected(reasons)
            case AlertWritten(severity=severity, detection=detection):
                self.alerts.labels(severity, self._bounded(self.alerts, detection)).inc()
            case AlertShadowed(severity=severity, detection=detection):
                self.shadowed.labels(severity, self._bounded(self.shadowed, detection)).inc()
            case AlertTolerated(severity=severity, detection=detection):
                self.tolerated.labels(severity, self._bounded(self.tolerated, detection)).inc()
            case LoopLagMeasured(seconds=seconds):
                self.loop_lag.observe(seconds)
            case Started(bundle=bundle, bundle_digest=digest):
                self.model_info.labels(bundle, digest[:16]).set(1)
            case Restored(seconds=seconds):
                self.restore.set(seconds)
            case _:
                self._stream(event)

    def _stream(self, event: Event) -> None:
        match event:
            case CommitDone(topic=topic, next_offsets=positions):
                _set_each(self.committed, topic, positions)
            case LagMeasured(group=group, topic=topic, records=lag):
                for number, count in lag.items():
                    self.lag.labels(group, topic, str(number)).set(count)
                self._lagging |= {(group, topic, number) for number in lag}
            case StreamRetried(operation=operation):
                self.retries.labels(operation).inc()
            case Rebalanced(group=group, partitions=partitions):
                self._rebalanced(group, partitions)
            case _:
                self._delivery(event)

    def _delivery(self, event: Event) -> None:
        match event:
            case AlertsDelivered(sink=sink, outcomes=outcomes):
                for outcome, count in outcomes.items():
                    self.deliveries.labels(sink, outcome).inc(count)
            case DeliveryRetried(sink=sink):
                self.deliveries.labels(sink, "retried").inc()
            case DeliveryRefused(sink=sink, reason=reason):
                self.deliveries.labels(sink, reason).inc()
            case DeliverySuspended(sink=sink):
                self.deliveries.labels(sink, "suspended").inc()
            case _:
                pass

    def _batch(self, event: BatchProcessed) -> None:
        for outcome, count in event.uses.items():
            self.uses.labels(outcome).inc(count)
        self.decision.observe(event.seconds)
        if event.age_seconds is not None:
            self.event_age.observe(event.age_seconds)
        self.principals.set(event.principals)
        self.credentials.set(event.credentials)
        self.evicted.inc(event.evicted)

    def _written(self, event: BlocksWritten) -> None:
        for source, count in event.events.items():
            self.events.labels(self._bounded(self.events, source), "accepted").inc(count)
        self.block_rows.inc(event.rows)
        self.without_provider.inc(event.without_provider)
        self.block_bytes.inc(event.size)
        self.ingest.observe(event.seconds)

    def _rebalanced(self, group: str, partitions: Mapping[str, Sequence[int]]) -> None:
        """Count, and say nothing more of the lag of partitions that went to another worker."""
        self.rebalances.labels(self._bounded(self.rebalances, group)).inc()
        gone = {
            (who, topic, number)
            for who, topic, number in self._lagging
            if who == group and number not in partitions.get(topic, [number])
        }
        self._lagging -= gone
        for who, topic, number in gone:
            self.lag.remove(who, topic, str(number))

    def _rejected(self, reasons: Mapping[str, int]) -> None:
        for reason, count in reasons.items():
            self.dead_letters.labels(self._bounded(self.dead_letters, reason)).inc(count)
            self.events.labels("unknown", "rejected").inc(count)

    def _bounded(self, metric: object, label: str) -> str:
        seen = self._seen.setdefault(metric, set())
        if label in seen:
            return label
        if len(seen) >= MAX_SERIES:
            return OTHER
        seen.add(label)
        return label


def _set_each(gauge: Gauge, topic: str, values: Mapping[int, int]) -> None:
    for partition, value in values.items():
        gauge.labels(topic, str(partition)).set(value)
