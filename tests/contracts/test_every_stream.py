"""What every stream of records and every writer of alerts promises.

A carrier joins by a `Carrier` in `CARRIERS`; the broker's needs a running one and joins in `tests/integration`, with
the same functions (`CONTRACT`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import pytest

from detector.decode import RawRecord
from detector.errors import InternalError
from detector.stream.base import AlertWriter, OutgoingAlert, RecordStream
from detector.stream.memory import MemoryLog, MemoryStream, MemoryWriter


class Carrier(Protocol):
    """One raw topic with two partitions and one alerts topic, both empty."""

    async def append(self, partition: int, values: Sequence[bytes]) -> None:
        """Add records to the raw topic."""

    def stream(self) -> RecordStream:
        """A new reader, of the same group as those before it."""

    def writer(self) -> AlertWriter:
        """A new writer."""

    async def written(self) -> list[OutgoingAlert]:
        """Everything in the alerts topic, in order within a key."""


class MemoryCarrier:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.alerts = MemoryWriter()
        self.ends = {0: 0, 1: 0}

    async def append(self, partition: int, values: Sequence[bytes]) -> None:
        for value in values:
            self.log.append(RawRecord(value, "raw", self.ends[partition], partition, append_time=1))
            self.ends[partition] += 1

    def stream(self) -> RecordStream:
        return MemoryStream(self.log)

    def writer(self) -> AlertWriter:
        return self.alerts

    async def written(self) -> list[OutgoingAlert]:
        return self.alerts.written


CARRIERS: dict[str, Callable[[], Carrier]] = {"memory": MemoryCarrier}


async def fetch(stream: RecordStream, count: int) -> list[RawRecord]:
    found: list[RawRecord] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await stream.fetch()
    return found


async def records_come_in_order_within_a_partition(carrier: Carrier) -> None:
    await carrier.append(0, [b"a0", b"a1"])
    await carrier.append(1, [b"b0"])
    async with carrier.stream() as stream:
        first = await fetch(stream, 3)
        await carrier.append(0, [b"a2"])
        later = await fetch(stream, 1)
    assert [record.value for record in first if record.partition == 0] == [b"a0", b"a1"]
    assert [record.value for record in later] == [b"a2"]
    offsets = [record.offset for record in [*first, *later] if record.partition == 0]
    assert offsets == sorted(set(offsets))
    assert all(record.append_time > 0 for record in first)


async def an_empty_fetch_returns_soon(carrier: Carrier) -> None:
    async with carrier.stream() as stream, asyncio.timeout(10):
        assert await stream.fetch() == []
        assert not stream.ended


async def every_start_replays_from_the_earliest_record_and_knows_what_was_committed(carrier: Carrier) -> None:
    await carrier.append(0, [b"0", b"1", b"2"])
    async with carrier.stream() as stream:
        assert dict(stream.committed) == {}
        records = await fetch(stream, 3)
        assert stream.first.get(0, 0) == records[0].offset
        await stream.commit({0: records[1].offset + 1})
        assert dict(stream.committed) == {0: records[1].offset + 1}
    async with carrier.stream() as stream:
        assert dict(stream.committed) == {0: records[1].offset + 1}
        assert stream.first.get(0, 0) == records[0].offset
        assert await fetch(stream, 3) == records


async def a_stream_that_is_started_again_replays_too(carrier: Carrier) -> None:
    await carrier.append(0, [b"0", b"1"])
    stream = carrier.stream()
    async with stream:
        records = await fetch(stream, 2)
        await stream.commit({0: records[1].offset + 1})
    async with stream:
        assert await fetch(stream, 2) == records


async def a_wrong_commit_is_refused(carrier: Carrier) -> None:
    await carrier.append(0, [b"0", b"1"])
    async with carrier.stream() as stream:
        records = await fetch(stream, 2)
        await stream.commit({0: records[-1].offset + 1})
        with pytest.raises(InternalError):
            await stream.commit({0: records[-1].offset})
        with pytest.raises(InternalError):
            await stream.commit({99: 1})


async def closing_twice_is_closing_once(carrier: Carrier) -> None:
    stream = carrier.stream()
    await stream.start()
    await stream.close()
    await stream.close()
    writer = carrier.writer()
    await writer.start()
    await writer.close()
    await writer.close()


async def what_is_written_is_there_with_its_headers_and_in_order(carrier: Carrier) -> None:
    lines = [
        OutgoingAlert(b"incident", b'{"n":%d}' % at, (("ce_id", b"%d" % at), ("ce_type", b"t"))) for at in range(20)
    ]
    async with carrier.writer() as writer:
        await writer.write(lines[:7])
        await writer.write([])
        await writer.write(lines[7:])
        assert await carrier.written() == lines


async def a_large_alert_is_written_whole(carrier: Carrier) -> None:
    line = OutgoingAlert(b"incident", b"x" * 900_000)
    async with carrier.writer() as writer:
        await writer.write([line, line])
        assert await carrier.written() == [line, line]


CONTRACT: list[Callable[[Carrier], Awaitable[None]]] = [
    records_come_in_order_within_a_partition,
    an_empty_fetch_returns_soon,
    every_start_replays_from_the_earliest_record_and_knows_what_was_committed,
    a_stream_that_is_started_again_replays_too,
    a_wrong_commit_is_refused,
    closing_twice_is_closing_once,
    what_is_written_is_there_with_its_headers_and_in_order,
    a_large_alert_is_written_whole,
]


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_it_keeps_the_promise(promise: Callable[[Carrier], Awaitable[None]], carrier: str) -> None:
    await promise(CARRIERS[carrier]())
