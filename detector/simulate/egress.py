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

_FOREVER = 1 << 40


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
    def first_seen(cls, region: str, address: str, churn: str, until: int = _FOREVER) -> Egress:
        """The address of a new workload, where it was never seen: its uses are unusual, by `churn`, until then."""
        return cls(region, [Span(0, (address,), churn, until)])

    @classmethod
    def of(cls, region: str, addresses: Sequence[str], *, endpoint: str = "", connection: int = 4) -> Egress:
        """A way out that never changes, until told to."""
        return cls(region, [Span(0, tuple(addresses))], endpoint, connection)

    def change(self, second: int, addresses: Sequence[str], churn: str, *, news: int = 2 * DAY) -> None:
        """From `second` on another pool, for good."""
        insort(self.spans, Span(second, tuple(addresses), churn, second + news))

    def detour(self, start: int, end: int, addresses: Sequence[str], churn: str) -> None:
        """Another pool in [start, end), then what would have been there without it."""
        after = self.at(end)
        self.spans = [span for span in self.spans if not start <= span.start <= end]
        insort(self.spans, Span(start, tuple(addresses), churn, end))
        insort(self.spans, Span(end, after.addresses, after.churn, after.news_until))

    def moved(self, second: int, until: int, to: Egress, churn: str, *, news: int = 2 * DAY) -> Egress:
        """A new way out: this one before `second`, `to` for good from `until` on, in between the one or the other."""
        both = Span(second, self.at(second).addresses + to.at(second).addresses, churn, until)
        spans = [
            *(span for span in self.spans if span.start < second),
            *([both] if second < until else []),
            Span(until, to.at(until).addresses, churn, until + news),
            *(span for span in to.spans if span.start > until),
        ]
        return Egress(self.region, spans, self.endpoint, self.connection)

    def at(self, second: int) -> Span:
        """The span in force at `second`."""
        return self.spans[max(0, bisect_right(self.spans, second, key=lambda span: span.start) - 1)]

    def addresses(self, rng: np.random.Generator, seconds: Sequence[int]) -> list[tuple[str, str]]:
        """Address and benign cause ("" for none) of uses at `seconds`, which are in order."""
        draws = rng.random(len(seconds) // self.connection + 1).tolist()
        spans, place = self.spans, 0
        found = []
        for at, second in enumerate(seconds):
            while place + 1 < len(spans) and spans[place + 1].start <= second:
                place += 1
            span = spans[place]
            address = span.addresses[int(draws[at // self.connection] * len(span.addresses))]
            found.append((address, span.churn if second < span.news_until else ""))
        return found
