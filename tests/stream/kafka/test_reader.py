"""What the reader says when the broker does not answer; what it reads is in tests/integration/test_topics.py."""

from __future__ import annotations

import socket

import pytest
from aiokafka import errors as kafka_errors

from detector.errors import StreamUnavailable
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.reader import KafkaReader


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    nobody = free_address()

    with pytest.raises(StreamUnavailable, match=nobody):
        async with KafkaReader(Connection(nobody), "uses"):
            pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (kafka_errors.OffsetOutOfRangeError(), "found some deleted by retention while they were read; try again"),
        (kafka_errors.KafkaConnectionError(), "expected records of uses, found no answer"),
    ],
)
def test_records_that_are_lost_on_the_way_end_the_reading(error: kafka_errors.KafkaError, said: str) -> None:
    lost = KafkaReader(Connection("broker:9092"), "uses")._lost(error)

    assert isinstance(lost, StreamUnavailable)
    assert said in str(lost)
