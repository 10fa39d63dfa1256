"""The façade where no broker answers; what it does with one is in tests/integration/test_kafka_stream.py."""

from __future__ import annotations

import logging
import socket

import pytest

from detector.errors import ConfigError, StreamUnavailable
from detector.stream.base import OutgoingAlert
from detector.stream.kafka import KafkaAlertWriter, KafkaStream


@pytest.fixture
def nobody() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    return f"127.0.0.1:{port}"


def stream_at(bootstrap: str) -> KafkaStream:
    return KafkaStream(bootstrap, "raw", "detector", print)


async def test_a_broker_that_does_not_answer_is_named_in_one_line(
    nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StreamUnavailable, match=rf"kafka {nobody}: expected a broker, .*is the broker up") as raised:
        await stream_at(nobody).start()
    assert "\n" not in str(raised.value)
    with pytest.raises(StreamUnavailable, match=nobody):
        await KafkaAlertWriter(nobody, "alerts").start()
    assert not caplog.records, "the client's own complaint would be a second report"


async def test_the_client_is_heard_again_after_a_failed_start(nobody: str) -> None:
    before = logging.getLogger("aiokafka").level
    with pytest.raises(StreamUnavailable):
        await stream_at(nobody).start()
    assert logging.getLogger("aiokafka").level == before


def test_an_address_that_is_none_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.bootstrap"):
        stream_at("localhost")
    with pytest.raises(ConfigError, match=r"kafka\.bootstrap"):
        KafkaAlertWriter("localhost", "alerts")


async def test_alerts_that_cannot_be_written_are_reported_and_no_alerts_need_no_broker(nobody: str) -> None:
    writer = KafkaAlertWriter(nobody, "alerts")
    await writer.write([])
    with pytest.raises(StreamUnavailable):
        await writer.write([OutgoingAlert(b"k", b"v")])


async def test_closing_twice_or_before_the_start_is_harmless(nobody: str) -> None:
    stream, writer = stream_at(nobody), KafkaAlertWriter(nobody, "alerts")
    for _ in range(2):
        await stream.close()
        await writer.close()
