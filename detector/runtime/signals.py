"""SIGTERM and SIGINT ask for a drain; a second one is not caught and ends the process at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """A request to end, and why. Set once; the first reason stays."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """Ask."""
        self.reason = self.reason or reason
        self._event.set()

    async def wait(self) -> None:
        """Return once somebody has asked."""
        await self._event.wait()


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """Inside the block the first signal requests `stop`. Needs the running loop of the main thread."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        stop.request(number.name)
        _release(loop)

    for number in SIGNALS:
        loop.add_signal_handler(number, asked, number)
    try:
        yield
    finally:
        _release(loop)


def _release(loop: asyncio.AbstractEventLoop) -> None:
    for number in SIGNALS:
        loop.remove_signal_handler(number)
