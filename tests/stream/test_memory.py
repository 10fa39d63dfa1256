"""The memory stream beyond the contract: the log is the broker's part and outlives its readers."""

from __future__ import annotations

import pytest

from detector.decode import RawRecord
from detector.errors import InternalError
from detector.stream.memory import MemoryLog, MemoryStream


async def test_records_given_directly_are_all_there_is() -> None:
    records = [RawRecord(b"%d" % at, "demo", at) for at in range(1_000)]
    async with MemoryStream(records, batch=300) as stream:
        fetched = []
        while not stream.ended:
            fetched += await stream.fetch()
    assert fetched == records


async def test_nothing_at_all_has_ended() -> None:
    async with MemoryStream([]) as stream:
        assert stream.ended
        assert await stream.fetch() == []


def test_a_log_grows_at_its_end_until_it_is_sealed() -> None:
    log = MemoryLog([RawRecord(b"a", "t", 5)])
    with pytest.raises(InternalError, match="above 5"):
        log.append(RawRecord(b"b", "t", 5))
    log.append(RawRecord(b"b", "t", 0, partition=1))
    log.seal()
    with pytest.raises(InternalError, match="sealed"):
        log.append(RawRecord(b"c", "t", 6))
