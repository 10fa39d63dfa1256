"""Rows for tests of single parts: one plain use, changed where a test is about it. Imports nothing above the tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.domain import KIND_CODE, SECOND, U64, ActorClass, Outcome, StringTable, UseBatch, UseRow
from detector.fingerprint.facets import Facets, Fingerprinter
from detector.state.table import Table

START = 1_767_571_200 * SECOND  # 2026-01-05T00:00:00Z, a midnight
_PLAIN = UseRow(
    native_id="event",
    source="use",
    time=START,
    realm="111122223333",
    principal="svc/backup",
    session="session",
    credential="KEY",
    peer_group="svc",
    address="198.51.100.7",
    client="Boto3/1.34.0 os/linux#6.1",
    action="s3:GetObject",
    kind=KIND_CODE["aws.access-key"],
    actor_class=ActorClass.WORKLOAD,
    outcome=Outcome.ALLOWED,
)


def row(at: int = 0, **columns: Any) -> UseRow:
    """A scored use `at` microseconds after `START`, with these columns."""
    return _PLAIN._replace(time=START + at, **columns)


def batch_of(*rows: UseRow) -> UseBatch:
    """Rows as one batch with a table of its own."""
    return UseBatch.from_rows(rows, StringTable())


def fingerprint(*rows: UseRow) -> tuple[UseBatch, Facets]:
    """Rows as a batch, with its facets."""
    batch = batch_of(*rows)
    return batch, Fingerprinter().facets(batch)


def keys(*values: int) -> U64:
    """Keys of tables."""
    return np.array(values, np.uint64)


def bytes_a_row(table: Table) -> float:
    """What a row of an empty table of a power of two takes when it is full: its columns, and its part of the index."""
    table.admit(np.arange(table.limit, dtype=np.uint64))
    arrays = (*(table.column(name) for name in table.layout), table.index.keys, table.index.live, table.index._cells)
    return sum(array.nbytes for array in arrays) / len(table)
