"""Encoder: an alert into the bytes of one format, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from detector.alert import Alert


class Encoder(ABC):
    """A format of alerts. `name` is the file name and the word of the settings. Pure: no clock, no I/O."""

    name: ClassVar[str]
    title: ClassVar[str]
    content_type: ClassVar[str]

    @abstractmethod
    def encode(self, alert: Alert) -> bytes:
        """One alert as one message without a line break at its end. Equal alerts give equal bytes."""

    @abstractmethod
    def decode(self, message: bytes) -> Alert:
        """The alert that `encode` was given: nothing is lost on the way.

        Raises RecordError (reason `not_an_alert`) for any other bytes.
        """
