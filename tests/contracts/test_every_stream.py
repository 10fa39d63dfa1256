"""What every stream of records and every writer of records promises.

A carrier joins by a `Carrier` in `CARRIERS`; the broker's needs a running one and joins in `tests/integration`, with
the same functions (`CONTRACT`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import pytest

from detector.decode import RawRecord
from detector.errors import ConfigError, InternalError
from detector.stream.base import Bounds, OutgoingRecord, Partition, Position, RecordStream, RecordWriter
from detector.stream.memory import MemoryBroker, MemoryStream, MemoryWriter


class Carrier(Protocol):
    """A topic `raw` with two partitions and a topic `alerts` with one, both empty."""

    raw: str
    alerts: str

    async def append(self, number: int, values: Sequence[bytes]) -> None:
        """Add records to a partition of the raw topic."""

    def stream(self, *topics: str) -> RecordStream:
        """A new member of one group, over the raw topic or these."""

    def writer(self) -> RecordWriter:
        """A new writer."""

    async def written(self) -> list[OutgoingRecord]:
        """Everything in the alerts topic, in order."""


class MemoryCarrier:
    raw = "raw"
    alerts = "alerts"

    def __init__(self) -> None:
        ticks = itertools.count(1_000_000, 1000)
        self.broker = MemoryBroker({"raw": 2, "alerts": 1}, clock=lambda: next(ticks))

    async def append(self, number: int, values: Sequence[bytes]) -> None:
        for value in values:
            self.broker.append(Partition("raw", number), value)

    def stream(self, *topics: str) -> RecordStream:
        return MemoryStream(self.broker, topics or ("raw",), "group")

    def writer(self) -> RecordWriter:
        return MemoryWriter(self.broker)

    async def written(self) -> list[OutgoingRecord]:
        return [record for record in self.broker.written if record.topic == "alerts"]


CARRIERS: dict[str, Callable[[], Carrier]] = {"memory": MemoryCarrier}


async def joined(stream: RecordStream) -> Mapping[Partition, Bounds]:
    """What the stream owns; no record comes before it says so."""
    async with asyncio.timeout(30):
        while True:
            fetched = await stream.fetch()
            assert not fetched.records
            if fetched.assignment is not None:
                return fetched.assignment


async def fetch(stream: RecordStream, count: int) -> dict[Partition, list[RawRecord]]:
    """At least `count` records, by partition."""
    found: dict[Partition, list[RawRecord]] = {}
    async with asyncio.timeout(30):
        while sum(map(len, found.values())) < count:
            for partition, records in (await stream.fetch()).records.items():
                found.setdefault(partition, []).extend(records)
    return found


async def read_all(stream: RecordStream, count: int) -> dict[Partition, list[RawRecord]]:
    """Join, read every partition from its earliest record."""
    stream.seek({partition: bounds.earliest for partition, bounds in (await joined(stream)).items()})
    return await fetch(stream, count)


def values(records: Sequence[RawRecord]) -> list[bytes]:
    return [record.value for record in records]


async def it_says_first_what_it_owns_and_from_where_to_where(carrier: Carrier) -> None:
    await carrier.append(0, [b"a", b"b"])
    async with carrier.stream() as stream:
        found = await joined(stream)
    assert found == {Partition(carrier.raw, 0): Bounds(0, 2), Partition(carrier.raw, 1): Bounds(0, 0)}


async def no_record_flows_from_a_partition_that_was_not_sought(carrier: Carrier) -> None:
    first, second = Partition(carrier.raw, 0), Partition(carrier.raw, 1)
    await carrier.append(0, [b"a"])
    await carrier.append(1, [b"b"])
    async with carrier.stream() as stream:
        await joined(stream)
        for _ in range(3):
            assert not (await stream.fetch()).records
        stream.seek({second: 0})
        assert {at: values(found) for at, found in (await fetch(stream, 1)).items()} == {second: [b"b"]}
        assert not (await stream.fetch()).records
        stream.seek({first: 0})
        assert {at: values(found) for at, found in (await fetch(stream, 1)).items()} == {first: [b"a"]}


async def records_come_in_order_and_know_their_place_and_time(carrier: Carrier) -> None:
    await carrier.append(0, [b"a0", b"a1"])
    await carrier.append(1, [b"b0"])
    async with carrier.stream() as stream:
        found = await read_all(stream, 3)
        await carrier.append(0, [b"a2"])
        later = await fetch(stream, 1)
    assert {at.number: values(records) for at, records in found.items()} == {0: [b"a0", b"a1"], 1: [b"b0"]}
    assert values(later[Partition(carrier.raw, 0)]) == [b"a2"]
    for at, records in [*found.items(), *later.items()]:
        assert {(record.stream, record.partition) for record in records} == {(str(at), at.number)}
        assert all(record.append_time > 0 for record in records)
    offsets = [record.offset for part in (found, later) for record in part[Partition(carrier.raw, 0)]]
    assert offsets == [0, 1, 2]


async def seeking_again_goes_back_or_forward(carrier: Carrier) -> None:
    at = Partition(carrier.raw, 0)
    await carrier.append(0, [b"0", b"1", b"2"])
    async with carrier.stream() as stream:
        await read_all(stream, 3)
        stream.seek({at: 1})
        assert values((await fetch(stream, 2))[at]) == [b"1", b"2"]
        stream.seek({at: 3})
        await carrier.append(0, [b"3"])
        assert values((await fetch(stream, 1))[at]) == [b"3"]


async def an_empty_fetch_returns_soon(carrier: Carrier) -> None:
    async with carrier.stream() as stream:
        await read_all(stream, 0)
        async with asyncio.timeout(5):
            assert not (await stream.fetch()).records
        assert not stream.ended


async def a_commit_keeps_its_note_and_does_not_move_the_start(carrier: Carrier) -> None:
    at = Partition(carrier.raw, 0)
    await carrier.append(0, [b"0", b"1", b"2"])
    async with carrier.stream() as stream:
        assert all(bounds.committed is None for bounds in (await joined(stream)).values())
        assert await stream.commit({at: Position(2, "what we know of it")})
    async with carrier.stream() as stream:
        assert (await joined(stream))[at] == Bounds(0, 3, Position(2, "what we know of it"))
        stream.seek({at: 0})
        assert values((await fetch(stream, 3))[at]) == [b"0", b"1", b"2"]
        assert await stream.commit({at: Position(3)})
    async with carrier.stream() as stream:
        assert (await joined(stream))[at].committed == Position(3, "")


async def a_stream_that_is_started_again_says_again_what_it_owns(carrier: Carrier) -> None:
    await carrier.append(0, [b"0", b"1"])
    stream = carrier.stream()
    async with stream:
        first = await read_all(stream, 2)
    async with stream:
        assert await read_all(stream, 2) == first


async def a_commit_of_a_topic_that_is_not_read_is_a_defect_and_nothing_is_no_commit(carrier: Carrier) -> None:
    async with carrier.stream() as stream:
        await joined(stream)
        assert await stream.commit({})
        with pytest.raises(InternalError, match="elsewhere/0"):
            await stream.commit({Partition("elsewhere", 0): Position(1)})


async def a_time_becomes_the_offset_of_the_first_record_that_is_not_older(carrier: Carrier) -> None:
    at = Partition(carrier.raw, 0)
    await carrier.append(0, [b"0"])
    await asyncio.sleep(0.01)  # times of a broker have milliseconds
    await carrier.append(0, [b"1"])
    async with carrier.stream() as stream:
        records = (await read_all(stream, 2))[at]
        assert await stream.offset_at(at, 1) == 0
        assert await stream.offset_at(at, records[0].append_time + 1) == 1
        assert await stream.offset_at(at, records[1].append_time) == 1
        assert await stream.offset_at(at, records[1].append_time + 1) == 2


async def the_ends_are_those_of_what_it_owns_and_grow(carrier: Carrier) -> None:
    await carrier.append(0, [b"0"])
    async with carrier.stream() as stream:
        await read_all(stream, 1)
        assert stream.ends == {Partition(carrier.raw, 0): 1, Partition(carrier.raw, 1): 0}
        await carrier.append(1, [b"x", b"y"])
        await fetch(stream, 2)
        assert stream.ends == {Partition(carrier.raw, 0): 1, Partition(carrier.raw, 1): 2}


async def closing_twice_is_closing_once(carrier: Carrier) -> None:
    stream = carrier.stream()
    await stream.start()
    await stream.close()
    await stream.close()
    writer = carrier.writer()
    await writer.start()
    await writer.close()
    await writer.close()


async def a_topic_that_does_not_exist_is_refused(carrier: Carrier) -> None:
    with pytest.raises(ConfigError, match="no-such-topic"):
        await carrier.stream(carrier.raw, "no-such-topic").start()
    async with carrier.writer() as writer:
        with pytest.raises(ConfigError, match="no-such-topic"):
            await writer.partitions("no-such-topic")
        with pytest.raises(ConfigError, match="no-such-topic"):
            await writer.write([OutgoingRecord("no-such-topic", b"x", b"k")])
        assert (await writer.partitions(carrier.raw), await writer.partitions(carrier.alerts)) == (2, 1)


async def what_is_written_is_there_with_its_headers_and_in_order(carrier: Carrier) -> None:
    records = [
        OutgoingRecord(carrier.alerts, b'{"n":%d}' % at, b"incident", (("ce_id", b"%d" % at), ("ce_type", b"t")))
        for at in range(20)
    ]
    async with carrier.writer() as writer:
        await writer.write(records[:7])
        await writer.write([])
        await writer.write(records[7:])
        assert await carrier.written() == records


async def a_record_without_a_value_deletes_its_key(carrier: Carrier) -> None:
    records = [OutgoingRecord(carrier.alerts, b"kept", b"a"), OutgoingRecord(carrier.alerts, None, b"a")]
    async with carrier.writer() as writer:
        await writer.write(records)
        assert await carrier.written() == records


async def a_partition_that_is_named_is_the_one_and_a_key_always_has_the_same(carrier: Carrier) -> None:
    async with carrier.writer() as writer:
        await writer.write([OutgoingRecord(carrier.raw, b"%d" % n, partition=n % 2) for n in range(6)])
        await writer.write([OutgoingRecord(carrier.raw, b"k%d" % n, b"key") for n in range(3)])
        await writer.write([OutgoingRecord(carrier.raw, b"k3", b"key")])
    async with carrier.stream() as stream:
        found = {at.number: values(records) for at, records in (await read_all(stream, 10)).items()}
    keyed = [b"k0", b"k1", b"k2", b"k3"]
    assert sorted(found[number][3:] for number in found) == [[], keyed]
    assert (found[0][:3], found[1][:3]) == ([b"0", b"2", b"4"], [b"1", b"3", b"5"])


async def large_records_are_written_whole(carrier: Carrier) -> None:
    record = OutgoingRecord(carrier.alerts, b"x" * 1_000_000, b"incident")
    async with carrier.writer() as writer:
        await writer.write([record, record])
        assert await carrier.written() == [record, record]


CONTRACT: list[Callable[[Carrier], Awaitable[None]]] = [
    it_says_first_what_it_owns_and_from_where_to_where,
    no_record_flows_from_a_partition_that_was_not_sought,
    records_come_in_order_and_know_their_place_and_time,
    seeking_again_goes_back_or_forward,
    an_empty_fetch_returns_soon,
    a_commit_keeps_its_note_and_does_not_move_the_start,
    a_stream_that_is_started_again_says_again_what_it_owns,
    a_commit_of_a_topic_that_is_not_read_is_a_defect_and_nothing_is_no_commit,
    a_time_becomes_the_offset_of_the_first_record_that_is_not_older,
    the_ends_are_those_of_what_it_owns_and_grow,
    closing_twice_is_closing_once,
    a_topic_that_does_not_exist_is_refused,
    what_is_written_is_there_with_its_headers_and_in_order,
    a_record_without_a_value_deletes_its_key,
    a_partition_that_is_named_is_the_one_and_a_key_always_has_the_same,
    large_records_are_written_whole,
]


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_it_keeps_the_promise(promise: Callable[[Carrier], Awaitable[None]], carrier: str) -> None:
    await promise(CARRIERS[carrier]())
