"""The stream where no broker answers; what it does with one is in tests/integration/test_kafka_stream.py."""

from __future__ import annotations

import pytest

from detector.errors import InternalError, StreamUnavailable
from detector.stream.base import Partition, Position
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.consumer import KafkaStream


def stream_at(bootstrap: str) -> KafkaStream:
    return KafkaStream(Connection(bootstrap), ["raw"], "detector", lambda event: None)


async def test_a_broker_that_does_not_answer_can_be_tried_again(nobody: str) -> None:
    stream = stream_at(nobody)
    for attempt in (stream.start, stream.fetch, stream.fetch):
        with pytest.raises(StreamUnavailable, match=nobody):
            await attempt()
    with pytest.raises(StreamUnavailable, match=nobody):
        await stream.offset_at(Partition("raw", 0), 1)


async def test_without_a_membership_nothing_is_owned_sought_or_committed(nobody: str) -> None:
    stream = stream_at(nobody)
    stream.seek({Partition("raw", 0): 5})
    assert stream.ends == {}
    assert not await stream.commit({Partition("raw", 0): Position(5)})
    with pytest.raises(InternalError, match="other/0"):
        await stream.commit({Partition("other", 0): Position(5)})


async def test_closing_twice_or_before_the_start_is_harmless(nobody: str) -> None:
    stream = stream_at(nobody)
    await stream.close()
    await stream.close()
