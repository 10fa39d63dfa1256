"""The stream that is measured: the busy hours of many simulated organisations at once, at the size of real records."""

from __future__ import annotations

from dataclasses import dataclass

from detector.simulate.demo.fleet import fleet
from detector.simulate.world import START

SIZE = 1_900  # bytes of a typical CloudTrail record


@dataclass(frozen=True)
class Shape:
    """`fleets` organisations of two accounts and 35 principals, each with `events_per_day`.

    Of the first day every `thin`-th record is kept, so that principals are known; of the second, `hours` (UTC).
    """

    name: str
    fleets: int
    events_per_day: int
    thin: int
    hours: range


BUSY = Shape("busy", fleets=12, events_per_day=100_000, thin=50, hours=range(12, 15))  # several uses a minute each
SPARSE = Shape("sparse", fleets=80, events_per_day=10_000, thin=10, hours=range(12, 16))  # each new key a few uses


@dataclass(frozen=True)
class Stream:
    """`records` in event-time order."""

    shape: Shape
    records: list[bytes]

    @property
    def mean_size(self) -> float:
        """Mean bytes a record."""
        return sum(map(len, self.records)) / len(self.records)


def make(shape: Shape) -> Stream:
    """The fleets of a shape side by side: own accounts, own seeds, addresses of the same ranges."""
    timed: list[tuple[int, int, bytes]] = []
    for number in range(shape.fleets):
        simulated = fleet(1_000 + number, 2, shape.events_per_day, attack=False)
        for at, (second, record) in enumerate(zip(simulated.seconds.tolist(), simulated.records, strict=True)):
            day, second_of_day = divmod(second - START, 86_400)
            if at % shape.thin == 0 if day == 0 else second_of_day // 3_600 in shape.hours:
                timed.append((second, len(timed), _padded(_moved(record, number))))
    timed.sort(key=lambda item: item[:2])
    return Stream(shape, [record for _, _, record in timed])


def _moved(record: bytes, number: int) -> bytes:
    """The record in accounts of its own."""
    own = record.replace(b"111122223333", b"1111%08d" % number)
    return own.replace(b"444455556666", b"4444%08d" % number)


def _padded(record: bytes) -> bytes:
    """The record with what real ones carry and we skip, up to the size of a real one."""
    missing = SIZE - len(record) - len(b',"additionalEventData":{"x-amz-id-2":""}')
    return record[:-1] + b',"additionalEventData":{"x-amz-id-2":"%s"}}' % (b"0123456789abcdef" * 120)[: max(missing, 0)]
