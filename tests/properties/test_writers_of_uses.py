"""Why rows that are written again need no transactions: writers may crash, be replaced and come back from the dead.

Each writer of a raw partition begins at or below what is in the log already, and appends row after row without a gap.
Of that, and of nothing else, follows that dropping what is not above the highest position loses and doubles nothing.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import StringTable, UseBatch, UseRow
from detector.state.epochs import Positions

ROWS = 3  # uses of one record


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[int], int]:
    """What writers append, as record offsets in the order of the log, and how far it goes."""
    writers: list[int] = []  # the next record of each
    log: list[int] = []
    end = 0
    for _ in range(draw(st.integers(1, 40))):
        if not writers or draw(st.booleans()):
            writers.append(draw(st.integers(0, end)))  # from a commit: everything below it was acknowledged
        writer = draw(st.integers(0, len(writers) - 1))
        block = draw(st.integers(1, 5))
        log += range(writers[writer], writers[writer] + block)
        writers[writer] += block
        end = max(end, writers[writer])
    return log, end


@given(logs(), st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_every_row_counts_once_whoever_wrote_it_again(written: tuple[list[int], int], sizes: list[int]) -> None:
    log, end = written
    rows = [UseRow("", "use", 1, raw_partition=7, raw_offset=at, row=row) for at in log for row in range(ROWS)]
    positions, accepted, start, turn = Positions(), list[tuple[int, int]](), 0, 0
    while start < len(rows):
        batch = UseBatch.from_rows(rows[start : start + sizes[turn % len(sizes)]], StringTable())
        kept = np.flatnonzero(positions.fresh(batch))
        accepted += zip(batch.raw_offset[kept].tolist(), batch.row[kept].tolist(), strict=True)
        start, turn = start + len(batch), turn + 1
    assert accepted == [(at, row) for at in range(end) for row in range(ROWS)]
