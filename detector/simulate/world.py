"""What every part of a simulated fleet shares: the calls made so far, names, chance and the passing of time.

Times are whole seconds since 1970 UTC, as CloudTrail logs them. Chance comes from one generator, so a seed fixes
every byte; nothing reads a clock.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from detector.simulate.call import BENIGN, Action, Call, Caller, Context

MINUTE = 60
HOUR = 3600
DAY = 86_400
START = 1_767_571_200  # 2026-01-05T00:00:00Z, a Monday
BUSIEST = 14 / 24  # time of day, UTC
_ALPHABET = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
_HEX = np.array(list("0123456789abcdef"))


@dataclass(slots=True)
class World:
    """A fleet while it is simulated. `story` counts what happened in it, for an honest summary."""

    rng: np.random.Generator
    start: int
    end: int
    calls: list[Call] = field(default_factory=list)
    story: Counter[str] = field(default_factory=Counter)
    _event_ids: list[str] = field(default_factory=list)

    @property
    def days(self) -> float:
        """Length in days."""
        return (self.end - self.start) / DAY

    def hex(self, length: int) -> str:
        """Random lower-case hexadecimal text."""
        return "".join(_HEX[self.rng.integers(16, size=length)])

    def key(self, prefix: str = "ASIA") -> str:
        """A fresh access key id (or, with another prefix, role or user id)."""
        return prefix + "".join(_ALPHABET[self.rng.integers(32, size=9)]) + "EXAMPLE"

    def event_id(self) -> str:
        """A fresh UUID."""
        if not self._event_ids:
            self._event_ids = _uuids(self.rng, 4096)
        return self._event_ids.pop()

    def call(
        self,
        second: int,
        caller: Caller,
        action: Action,
        context: Context,
        *,
        error: str = "",
        request: str = "",
        response: str = "null",
        churn: str = "",
        theft: int = BENIGN,
    ) -> str:
        """Log a call if it falls into the simulated time; return its event id."""
        event_id = self.event_id()
        if self.start <= second < self.end:
            self.calls.append(Call(second, event_id, caller, action, context, error, request, response, churn, theft))
        return event_id

    def arrivals(self, start: int, end: int, per_day: float, amplitude: float = 0.0) -> list[int]:
        """Seconds of a Poisson process in [start, end), in order.

        `per_day` is the mean rate; `amplitude` (0..1) how much it follows the hour of the day.
        """
        if end <= start:
            return []
        count = self.rng.poisson(per_day * (1 + amplitude) * (end - start) / DAY)
        if not count:
            return []
        tried = self.rng.uniform(start, end, count)
        daylight = 1 + amplitude * np.cos(2 * math.pi * (tried / DAY - BUSIEST))
        kept = tried[self.rng.random(len(tried)) * (1 + amplitude) < daylight]
        seconds: list[int] = np.sort(kept).astype(np.int64).tolist()
        return seconds

    def pick(self, size: int, count: int) -> list[int]:
        """`count` uniform choices among `size` things."""
        chosen: list[int] = self.rng.integers(size, size=count).tolist()
        return chosen

    def between(self, low: float, high: float) -> int:
        """A uniform whole number of seconds in [low, high)."""
        return int(self.rng.uniform(low, high))


def _uuids(rng: np.random.Generator, count: int) -> list[str]:
    digits = rng.bytes(16 * count).hex()
    parts = (digits[at : at + 32] for at in range(0, 32 * count, 32))
    return [f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in parts]
