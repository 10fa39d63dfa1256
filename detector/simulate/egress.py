"""How traffic leaves a place, through time: a pool of addresses that now and then changes.

A change is a `Span` with the name of its benign cause. Everything behind one `Egress` changes at the same instant,
which is what tells a moved gateway from a stolen credential.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.simulate.world import DAY


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` on (seconds) traffic leaves by one of `addresses`; its uses are unusual until `news_until`."""

    start: int
    addresses: tuple[str, ...]
    churn: str = ""
    news_until: int = 0


@dataclass(slots=True)
class Egress:
    """A way out. `connection` calls in a row share an address of the pool."""

    region: str
    spans: list[Span] = field(default_factory=list)
    endpoint: str = ""
    connection: int = 4

    @classmethod
    def of(cls, region: str, addresses: Sequence[str], *, endpoint: str = "", connection: int = 4) -> Egress:
        """A way out that never changes, until told to."""
        return cls(region, [Span(0, tuple(addresses))], endpoint, connection)

    def change(self, second: int, addresses: Sequence[str], churn: str, *, news: int = 2 * DAY) -> None:
        """From `second` on another pool, for good."""
        insort(self.spans, Span(second, tuple(addresses), churn, second + news))

    def detour(self, start: int, end: int, addresses: Sequence[str], churn: str) -> None:
        """Another pool in [start, end), then what was before."""
        before = self.at(start)
        insort(self.spans, Span(start, tuple(addresses), churn, end))
        insort(self.spans, Span(end, before.addresses, churn, end))

    def at(self, second: int) -> Span:
        """The span in force at `second`."""
        return self.spans[max(0, bisect_right(self.spans, second, key=lambda span: span.start) - 1)]

    def addresses(self, rng: np.random.Generator, seconds: Sequence[int]) -> list[tuple[str, str]]:
        """Address and benign cause ("" for none) of uses at `seconds`, which are in order."""
        draws = rng.random(len(seconds) // self.connection + 1).tolist()
        found = []
        for at, second in enumerate(seconds):
            span = self.at(second)
            address = span.addresses[int(draws[at // self.connection] * len(span.addresses))]
            found.append((address, span.churn if second < span.news_until else ""))
        return found
