"""The memory stream beyond the contract: topics that end, and a broker that outlives its readers."""

from __future__ import annotations

import pytest

from detector.decode import RawRecord
from detector.errors import InternalError
from detector.stream.base import Partition, Position
from detector.stream.memory import MemoryBroker, MemoryStream

RAW = Partition("raw", 0)


async def test_a_sealed_topic_ends_once_it_is_read() -> None:
    broker = MemoryBroker({"raw": 1})
    for at in range(1000):
        broker.append(RAW, b"%d" % at)
    broker.seal("raw")
    records: list[RawRecord] = []
    async with MemoryStream(broker, ["raw"], "group", batch=300) as stream:
        await stream.fetch()
        stream.seek({RAW: 0})
        fetches = 0
        while not stream.ended:
            records += (await stream.fetch()).records[RAW]
            fetches += 1
    assert [record.value for record in records] == [b"%d" % at for at in range(1000)]
    assert fetches == 4


async def test_nothing_at_all_ends_where_it_begins() -> None:
    broker = MemoryBroker({"raw": 1})
    broker.seal("raw")
    async with MemoryStream(broker, ["raw"], "group") as stream:
        await stream.fetch()
        stream.seek({RAW: 0})
        assert stream.ended
        assert not (await stream.fetch()).records


async def test_a_record_that_arrives_ends_the_wait_for_it() -> None:
    broker = MemoryBroker({"raw": 1})
    async with MemoryStream(broker, ["raw"], "group") as stream:
        await stream.fetch()
        stream.seek({RAW: 0})
        broker.append(RAW, b"now", append_time=5)
        assert (await stream.fetch()).records == {RAW: [RawRecord(b"now", "raw/0", 0, 0, 5)]}


def test_nothing_is_added_after_the_seal() -> None:
    broker = MemoryBroker({"raw": 1, "other": 1})
    broker.seal("raw")
    broker.append(Partition("other", 0), b"still open")
    with pytest.raises(InternalError, match="raw/0 after it was sealed"):
        broker.append(RAW, b"too late")


async def test_groups_keep_apart_what_they_committed() -> None:
    broker = MemoryBroker({"raw": 1})
    async with MemoryStream(broker, ["raw"], "one") as stream:
        await stream.commit({RAW: Position(0, "one's")})
    async with MemoryStream(broker, ["raw"], "two") as stream:
        assigned = (await stream.fetch()).assignment
    assert assigned is not None
    assert assigned[RAW].committed is None
