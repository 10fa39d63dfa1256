"""Log lines on stderr: JSON when piped, readable on a terminal; one line each, whatever was in a log record.

`configure` routes structlog and the standard library's loggers (those of aiokafka and aiohttp) through one path.
`log_event` is the observer that decides which telemetry events become lines: WARNING means that nothing was lost,
ERROR that something was.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import fields
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from detector.telemetry.events import (
    AlertShadowed,
    AlertTolerated,
    AlertWritten,
    BatchProcessed,
    BlocksWritten,
    CommitDone,
    ControlIgnored,
    DeliveryRefused,
    DeliveryRetried,
    DeliverySuspended,
    Event,
    LagMeasured,
    LoopLagMeasured,
    PartitionStopped,
    RecordsRejected,
    StreamRetried,
)

QUIET: Final = (BatchProcessed, BlocksWritten, CommitDone, LagMeasured, LoopLagMeasured)
WARNED: Final = (ControlIgnored, DeliveryRetried, RecordsRejected, StreamRetried)
FAILED: Final = (DeliveryRefused, DeliverySuspended, PartitionStopped)
REPEAT_SECONDS: Final = 30.0
MAX_FIELD: Final = 2000
# C0, DEL and C1 controls, line separators, bidirectional overrides, lone surrogates: what could forge or hide a line.
UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_log = structlog.get_logger("detector")


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send every log line of this process to `stream` (default stderr). May be called again."""
    out = stream or sys.stderr
    terminal = out.isatty()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        escape,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=terminal) if terminal else _json
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(OncePerInterval())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("detector").setLevel(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log_event(event: Event) -> None:
    """Write one line for the events that an operator reads; the rest are metrics only."""
    if isinstance(event, QUIET):
        return
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(event).__name__).lower()
    shown = {field.name: getattr(event, field.name) for field in fields(event)}
    write = _log.error if isinstance(event, FAILED) else _log.warning if isinstance(event, WARNED) else _log.info
    if isinstance(event, AlertWritten | AlertShadowed | AlertTolerated):
        shown["alert"] = shown.pop("id")
    write(name, **shown)


def escape(_: WrappedLogger | None, __: str, event: EventDict) -> EventDict:
    """Make every text of a line printable and short: what a log record says must not forge a line or a terminal."""
    return {key: _escaped(value) for key, value in event.items()}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        safe = UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        return safe if len(safe) <= MAX_FIELD else f"{safe[:MAX_FIELD]}… ({len(safe)} characters)"
    if isinstance(value, Mapping):
        return {str(key): _escaped(item) for key, item in value.items()}
    return value


def _json(logger: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> str:
    rendered = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)(logger, name, event)
    return rendered if isinstance(rendered, str) else rendered.decode()


class OncePerInterval(logging.Filter):
    """Pass a line of somebody else's logger at most once per interval: a lost broker is not ten lines a second.

    Lines are told apart by logger and template, so the memory is bounded by the code, not by the input.
    """

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the line."""
        if record.name.startswith("detector"):
            return True
        key = (record.name, str(record.msg))
        now = time.monotonic()
        if now - self._last.get(key, -self._seconds) < self._seconds:
            return False
        self._last[key] = now
        return True
