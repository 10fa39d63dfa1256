"""What happens at the rim, as values: code reports an event, `telemetry/` decides which metric and which log line.

One event per batch, never per record, so that telling costs nothing. No event carries a credential, an address or
the text of a record: event fields become metric labels and log fields as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """The worker is connected and begins to read. `url` serves its metrics."""

    roles: tuple[str, ...]
    group: str
    worker: str
    bundle: str
    bundle_digest: str
    url: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The replay of every partition has reached what was committed: alerts are written from here on."""

    partitions: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BlocksWritten:
    """Raw records became blocks of uses, acknowledged.

    `events`: source → logged records that became uses; `rows` in `blocks` of together `size` bytes; `seconds`: time
    from the fetch to the acknowledgement. `without_provider`: rows whose address has no owner that the assets know.
    """

    events: Mapping[str, int]
    rows: int
    blocks: int
    size: int
    seconds: float
    without_provider: int = 0


@dataclass(frozen=True, slots=True)
class BatchProcessed:
    """One batch went through the pipeline.

    `uses`: outcome → rows (accepted, resent, redelivered, scored, candidates). `seconds`: time to decide the batch.
    `age_seconds`: age of its last row by event time, None when unknown. `principals`, `credentials`: live entries of
    the state afterwards; `evicted`: entries let go.
    """

    uses: Mapping[str, int]
    seconds: float
    age_seconds: float | None = None
    principals: int = 0
    credentials: int = 0
    evicted: int = 0


@dataclass(frozen=True, slots=True)
class PartitionStopped:
    """A partition of uses holds a record that cannot be read: nothing behind it is decided until somebody acts."""

    topic: str
    partition: int
    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class ControlIgnored:
    """A control record asks for something that this installation does not have; the rest of it holds."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class RecordsRejected:
    """Records that could not be read: reason → count. `where` is the dead-letter output that keeps their positions."""

    reasons: Mapping[str, int]
    where: str


@dataclass(frozen=True, slots=True)
class AlertWritten:
    """One alert was acknowledged by its output."""

    id: str
    incident_id: str
    severity: str
    detection: str


@dataclass(frozen=True, slots=True)
class AlertShadowed:
    """One alert was decided and not written: only detections in shadow have fired on its incident."""

    id: str
    incident_id: str
    severity: str
    detection: str


@dataclass(frozen=True, slots=True)
class AlertTolerated:
    """One alert was decided and not written: each credential of its incident has an exception that still holds."""

    id: str
    incident_id: str
    severity: str
    detection: str


@dataclass(frozen=True, slots=True)
class AlertsDelivered:
    """What became of alerts at one sink. `outcomes`: delivered, repeated, filtered → alerts."""

    sink: str
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeliveryRetried:
    """The sink's destination is away or failing; its alerts wait and are tried again. Nothing is lost."""

    sink: str
    attempt: int
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryRefused:
    """The destination does not get this alert: it stays in the alerts topic, its place goes to the dead letters.

    `reason` is one of `detector.sinks.base.REFUSALS`; the ids are empty where the record is no alert.
    """

    sink: str
    alert: str
    incident_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeliverySuspended:
    """The destination wants nothing more: the sink sends nothing until an operator acts and starts again."""

    sink: str
    detail: str


@dataclass(frozen=True, slots=True)
class CommitDone:
    """Everything before these positions is delivered. `next_offsets`: partition → next offset to read."""

    topic: str
    next_offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class LagMeasured:
    """Records that have arrived and are not read yet by a group, per partition."""

    group: str
    topic: str
    records: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """The group has given its partitions anew. `partitions`: topic → the numbers that are ours; `seconds`: it took."""

    group: str
    partitions: Mapping[str, Sequence[int]]
    seconds: float


@dataclass(frozen=True, slots=True)
class StreamRetried:
    """The broker did not answer; the operation (fetch, write, commit) is tried again. Nothing is lost."""

    operation: str
    attempt: int
    detail: str


@dataclass(frozen=True, slots=True)
class LoopLagMeasured:
    """How late the event loop woke a sleeper: the delay every heartbeat and request suffers."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stopping:
    """The service was asked to end and drains. `reason` is the name of a signal or `end of stream`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything that was read is delivered and committed, or the reason why not was raised."""

    reason: str


Event = (
    Started
    | Restored
    | BlocksWritten
    | BatchProcessed
    | PartitionStopped
    | ControlIgnored
    | RecordsRejected
    | AlertWritten
    | AlertShadowed
    | AlertTolerated
    | AlertsDelivered
    | DeliveryRetried
    | DeliveryRefused
    | DeliverySuspended
    | CommitDone
    | LagMeasured
    | Rebalanced
    | StreamRetried
    | LoopLagMeasured
    | Stopping
    | Stopped
)
Observer = Callable[[Event], None]


def to_all(*observers: Observer) -> Observer:
    """One observer that tells each of `observers` in turn."""

    def tell(event: Event) -> None:
        for observer in observers:
            observer(event)

    return tell
