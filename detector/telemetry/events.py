"""What happens at the rim, as values: code reports an event, `telemetry/` decides which metric and which log line.

One event per batch, never per record, so that telling costs nothing. No event carries a credential, an address or
the text of a record: event fields become metric labels and log fields as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Started:
    """The service is connected and begins to read the earliest retained record. `url` serves its metrics."""

    topic: str
    group: str
    partitions: int
    bundle: str
    bundle_digest: str
    url: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The replay has reached the committed offsets: alerts are written from here on."""

    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchProcessed:
    """One batch went through the pipeline.

    `events`: source → logged records that became uses. `uses`: outcome → rows (accepted, resent, redelivered,
    scored, candidates). `seconds`: time to decide the batch. `age_seconds`: age of its last row by event time, None
    when unknown. `principals`, `credentials`: live entries of the state afterwards; `evicted`: entries let go.
    """

    events: Mapping[str, int]
    uses: Mapping[str, int]
    seconds: float
    age_seconds: float | None = None
    principals: int = 0
    credentials: int = 0
    evicted: int = 0


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
class CommitDone:
    """Everything before these positions is delivered. `next_offsets`: partition → next offset to read."""

    topic: str
    next_offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class LagMeasured:
    """Records that have arrived and are not read yet, per partition."""

    topic: str
    records: Mapping[int, int]


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
class OrderUnstable:
    """More than one raw partition feeds one pipeline: their arrival order, and so the alerts, may differ on replay."""

    topic: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Stopping:
    """The service was asked to end and drains. `reason` is the name of a signal or `end of stream`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything read is delivered and committed, or the reason why not was raised."""

    alerts: int
    next_offsets: Mapping[int, int] = field(default_factory=dict)


Event = (
    Started
    | Restored
    | BatchProcessed
    | RecordsRejected
    | AlertWritten
    | AlertShadowed
    | CommitDone
    | LagMeasured
    | StreamRetried
    | LoopLagMeasured
    | OrderUnstable
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
