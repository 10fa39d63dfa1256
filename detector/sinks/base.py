"""Sink: where alerts go when they leave us. One file is one destination.

A sink hands over and says what became of it; how often to try again, and what becomes of an alert that nobody takes,
is decided once for all of them in `runtime/delivery.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from detector.alert import Alert
from detector.encoders.base import Encoder

# Why an alert becomes a dead letter of delivery: the closed set of `RecordError.reason` here.
REFUSALS: Final[dict[str, str]] = {
    "failed": "the destination failed at every attempt",
    "not_an_alert": "the record is not an alert of this version",
    "refused": "the destination does not take this alert",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """What a sink is told about its far end: `name` is what the operator calls it, `target` its path or address.

    `secrets` prove who sends, the current one first; a target may carry a token as well. Neither is ever shown.
    """

    name: str
    target: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Sink(ABC):
    """A destination of alerts: `name` is the file name, the word of the settings and the metric label.

    `encoder` says in which format. The same alert may be delivered again after a crash: it carries the same `id`, and
    receivers drop what they have. Only one task may use a sink.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    batch: ClassVar[int] = 512  # most alerts worth giving to one `deliver`: after a failure all of them are repeated

    def __init__(self, destination: Destination, encoder: Encoder) -> None:
        self.destination = destination
        self.encoder = encoder

    @abstractmethod
    async def start(self) -> None:
        """Make ready, without waiting for the far end: a destination that is away must not hold up a start.

        Raises ConfigError (STOP) when the destination cannot be one.
        """

    @abstractmethod
    async def deliver(self, alerts: Sequence[Alert]) -> None:
        """Hand over in order; return once the destination has every one of them.

        When it raises, a first part may have arrived; delivering all of them again is safe.

        - StreamUnavailable (RETRY): the destination is away; the alerts wait for it, however long that takes.
        - DeliveryFailed (RETRY): it fails, perhaps because of what it was given.
        - RecordError (DEAD_LETTER): it refuses one of these alerts for good; `reason` is one of `REFUSALS`.
        - ConfigError (STOP): it wants nothing more until an operator changes the settings.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the destination. May be called more than once, also without `start`."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
