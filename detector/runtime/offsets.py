"""Positions of the log of uses: from where on alerts count, what is delivered, what is stored. Pure.

A shard is rebuilt by reading from the earliest retained record, and must stay silent until it passes the position
that was committed before: whatever it decides below that is already told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.stream.base import Bounds, Partition
from detector.stream.refusals import check_retained


@dataclass(slots=True)
class Progress:
    """How far one partition is: `boundary` is where alerts begin to count, `offset` the next record to read."""

    boundary: int
    offset: int
    stored: int = field(init=False)

    def __post_init__(self) -> None:
        self.stored = max(self.boundary, self.offset)

    @classmethod
    def of(cls, partition: Partition, bounds: Bounds) -> Progress:
        """Of a partition that begins at its earliest record. Raises ConfigError when unread records are gone."""
        if bounds.committed is None:
            return cls(bounds.earliest, bounds.earliest)
        check_retained(
            partition,
            bounds.committed.offset,
            bounds,
            "give kafka.group a new name: every retained record is then read as if for the first time",
        )
        return cls(bounds.committed.offset, bounds.earliest)

    @property
    def is_restored(self) -> bool:
        """Whether everything that was told before is read."""
        return self.offset >= self.boundary

    @property
    def is_ahead(self) -> bool:
        """Whether more is delivered than is stored; a replay stores nothing."""
        return self.offset > self.stored
