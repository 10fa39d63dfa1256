"""One tree of errors; each class says what the caller must do.

    DetectorError
    ├── RecordError         DEAD_LETTER  this record is bad, the next may be good
    │   └── DeliveryFailed  RETRY, exit 5 a sink fails, perhaps on this alert: a few times, then a dead letter
    ├── UsageError          STOP, exit 2
    ├── ConfigError         STOP, exit 3  a setting, bundle or detection is wrong; carries file:line:col
    ├── InputError          STOP, exit 5  a file or directory cannot be read at all
    ├── BlockError          STOP, exit 5  rows of uses that are damaged, or of a newer version
    ├── StreamUnavailable   RETRY, exit 5 a broker or sink does not answer
    └── InternalError       STOP, exit 70 an invariant of ours is broken

Messages say what was expected, what was found, where, and what to do; never a raw record, never a secret.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Disposition(Enum):
    """What the caller must do with an error."""

    STOP = "stop"
    RETRY = "retry"
    DEAD_LETTER = "dead_letter"


class DetectorError(Exception):
    """Base of everything this package raises across a module boundary."""

    disposition: ClassVar[Disposition] = Disposition.STOP
    exit_code: ClassVar[int] = 70


class RecordError(DetectorError):
    """A record that cannot be read. `reason` is one of a closed set and becomes a metric label."""

    disposition = Disposition.DEAD_LETTER

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class DeliveryFailed(RecordError):  # noqa: N818 - a state of the world, as below
    """A destination fails, perhaps because of this alert: worth a bounded number of attempts, then DEAD_LETTER."""

    disposition = Disposition.RETRY
    exit_code = 5


class UsageError(DetectorError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ConfigError(DetectorError):
    """Settings that cannot be used; `problems` lists every one with its place."""

    exit_code = 3

    def __init__(self, problems: list[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


class InputError(DetectorError):
    """Input that cannot be opened or read at all."""

    exit_code = 5


class BlockError(DetectorError):
    """A block of uses that cannot be decoded. Nothing after it may be read: what it held may decide an alert."""

    exit_code = 5


class StreamUnavailable(DetectorError):  # noqa: N818 - a state of the world, as in the design
    """The broker or a sink does not answer; trying again may help.

    `retry_after`: seconds to wait first, where the far end has said so; else 0.
    """

    disposition = Disposition.RETRY
    exit_code = 5

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InternalError(DetectorError):
    """A broken invariant: a defect of ours."""
