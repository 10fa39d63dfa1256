"""The native format: one line of canonical JSON, `detector.alert/1`."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from detector import alert as contract
from detector.alert import Alert
from detector.encoders.base import Encoder
from detector.errors import RecordError


class Native(Encoder):
    """The alert contract as it is."""

    name: ClassVar[str] = "native"
    title: ClassVar[str] = f"native JSON ({contract.SCHEMA})"
    content_type: ClassVar[str] = "application/json"

    def encode(self, alert: Alert) -> bytes:
        """One line of JSON."""
        return contract.encode(alert)

    def decode(self, message: bytes) -> Alert:
        """The alert of one line. Raises RecordError for bytes of another schema."""
        try:
            alert = contract.decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError("not_an_alert", f"expected {contract.SCHEMA}: {error}") from error
        if alert.schema != contract.SCHEMA:
            raise RecordError("not_an_alert", f"expected schema {contract.SCHEMA}, found {alert.schema[:80]!r}")
        return alert
