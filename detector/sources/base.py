"""Source: the bytes of records of one log, into uses. Pure: no clock, no I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from detector.domain import UseRow


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not a use: its place in the batch, a reason of a closed set, and what was found."""

    index: int
    reason: str
    detail: str


@dataclass(slots=True)
class Reading:
    """What a source made of a batch: rows in record order with the index of their record, and the rejects.

    `skipped` counts good records that state nothing by themselves, such as the announcement of a request whose answer
    is logged apart: they give no row and are no reject.
    """

    rows: list[UseRow]
    record: list[int]
    rejected: list[Rejected]
    skipped: int = 0


class Source(ABC):
    """A log source. `name` is the file name, the `source` of its uses, the config key and the metric label."""

    name: ClassVar[str]
    title: ClassVar[str]

    @classmethod
    @abstractmethod
    def recognises(cls, record: bytes) -> bool:
        """Whether one unwrapped record looks like this log. Cheap, never raises; no record is recognised by two."""

    @abstractmethod
    def read(self, records: Sequence[bytes], realm: str) -> Reading:
        """Read unwrapped records. `realm` is used where a record names none.

        Never raises for a bad record: it goes to `Reading.rejected` with a reason of `detector.records.REASONS`; one
        larger than `RECORD_LIMIT` is `oversize`, unread. One record may give several rows, numbered by
        `UseRow.use_index`; `UseRow.digest` is the XXH3-64 of the record's bytes. Texts are `detector.records.clean`.
        """
