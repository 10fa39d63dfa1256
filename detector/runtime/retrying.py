"""Operations on the broker or the disk, tried again with growing pauses until they work.

    retried = Retrying(observe, health)
    fetched = await retried("fetch", stream.fetch, stop=stop)

Only StreamUnavailable is tried again: every other error says that trying again would not help.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import stamina

from detector.errors import StreamUnavailable
from detector.runtime.signals import Stop
from detector.telemetry.events import Observer, StreamRetried
from detector.telemetry.http import Health

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 5.0

Result = TypeVar("Result")


class Retrying:
    """The retries of one role: each is told to `observe` and makes `health` say what is being waited for.

    Waiting is a step, so the probes call the process healthy but not ready; the caller says when it is ready again.
    """

    def __init__(self, observe: Observer, health: Health) -> None:
        self._observe = observe
        self._health = health

    async def __call__(
        self, operation: str, call: Callable[[], Awaitable[Result]], *, stop: Stop | None = None
    ) -> Result | None:
        """What `call` returns once it works; None when `stop` was requested between two attempts.

        Without `stop` it never gives up: what is in flight when the process is asked to end is finished, within the
        time the drain has. `operation` is one of the code's own words and becomes a metric label.
        """
        async for attempt in stamina.retry_context(
            on=StreamUnavailable, attempts=None, timeout=None, wait_initial=FIRST_SECONDS, wait_max=LONGEST_SECONDS
        ):
            with attempt:
                self._health.beat()
                if attempt.num > 1 and stop is not None and stop.requested:
                    return None
                try:
                    return await call()
                except StreamUnavailable as error:
                    self._health.not_ready(f"{operation}: waiting for the broker or the disk")
                    self._observe(StreamRetried(operation, attempt.num, str(error)))
                    raise
        return None
