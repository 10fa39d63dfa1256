"""What the administrator says when the broker does not answer or refuses; what it does is in tests/integration."""

from __future__ import annotations

import socket

import pytest
from aiokafka import errors as kafka_errors

from detector.errors import ConfigError, StreamUnavailable
from detector.stream.kafka.admin import KafkaAdmin
from detector.stream.kafka.connection import Connection


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    nobody = free_address()

    with pytest.raises(StreamUnavailable, match=nobody):
        async with KafkaAdmin(Connection(nobody)):
            pass


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (kafka_errors.InvalidReplicationFactorError, ConfigError),
        (kafka_errors.PolicyViolationError, ConfigError),
        (kafka_errors.InvalidConfigurationError, ConfigError),
        (kafka_errors.TopicAuthorizationFailedError, ConfigError),
        (kafka_errors.ClusterAuthorizationFailedError, ConfigError),
        (kafka_errors.NotControllerError, StreamUnavailable),
        (kafka_errors.RequestTimedOutError, StreamUnavailable),
    ],
)
def test_an_error_inside_an_answer_is_not_passed_over(
    refusal: type[kafka_errors.BrokerResponseError], kind: type[Exception]
) -> None:
    admin = KafkaAdmin(Connection("broker:9092"))

    with pytest.raises(kind) as caught:
        admin._check(refusal.errno, ["the broker's words"], "topic uses made")

    assert "broker:9092: expected topic uses made, found" in str(caught.value)
    assert "the broker's words" in str(caught.value)


def test_no_error_is_none() -> None:
    KafkaAdmin(Connection("broker:9092"))._check(0, [None], "topic uses made")
