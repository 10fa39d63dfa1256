"""The writer where no broker answers; what it does with one is in tests/integration/test_kafka_stream.py."""

from __future__ import annotations

import pytest

from detector.errors import StreamUnavailable
from detector.stream.base import OutgoingRecord
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.producer import KafkaWriter


async def test_records_that_cannot_be_written_are_reported_and_no_records_need_no_broker(nobody: str) -> None:
    writer = KafkaWriter(Connection(nobody))
    await writer.write([])
    with pytest.raises(StreamUnavailable, match=nobody):
        await writer.write([OutgoingRecord("alerts", b"v", b"k")])
    with pytest.raises(StreamUnavailable, match=nobody):
        await writer.write([OutgoingRecord("alerts", b"v", partition=0)])
    with pytest.raises(StreamUnavailable, match=nobody):
        await writer.start()


async def test_closing_twice_or_before_the_start_is_harmless(nobody: str) -> None:
    writer = KafkaWriter(Connection(nobody))
    await writer.close()
    await writer.close()
