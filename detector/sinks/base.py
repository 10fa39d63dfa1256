"""Sink: where alerts go when they leave us. One file is one destination."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from detector.alert import Alert
from detector.encoders.base import Encoder


class Sink(ABC):
    """A destination of alerts: `name` is the file name, the word of the settings and the metric label.

    `target` says where (a path, an address), `encoder` in which format. The same alert may be delivered again after a
    crash: it carries the same `id`, and receivers drop what they have. Only one task may use a sink.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, target: str, encoder: Encoder) -> None:
        self.target = target
        self.encoder = encoder

    @abstractmethod
    async def start(self) -> None:
        """Open the destination. Raises StreamUnavailable (RETRY) or ConfigError (STOP) when it cannot be."""

    @abstractmethod
    async def deliver(self, alerts: Sequence[Alert]) -> None:
        """Hand over in order; return once the destination has every one of them.

        Raises StreamUnavailable (RETRY): some may have arrived; delivering all of them again is safe.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the destination. May be called more than once, also without `start`."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
