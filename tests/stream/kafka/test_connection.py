"""First contact where no broker answers; what happens with one is in tests/integration."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiokafka import errors as kafka_errors

from detector.errors import ConfigError, StreamUnavailable
from detector.settings import KafkaSecurity
from detector.stream.kafka.connection import Connection, ended


async def test_a_broker_that_does_not_answer_is_named_in_one_line_and_once(
    nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(
        StreamUnavailable, match=rf"kafka {nobody}: expected the list of topics, .*is the broker up"
    ) as raised:
        await Connection(nobody).topics()
    assert "\n" not in str(raised.value)
    assert not caplog.records, "the client's own complaint would be a second report"


async def test_the_client_is_heard_again_after_a_failed_start(nobody: str) -> None:
    connection = Connection(nobody)
    loggers = [logging.getLogger("aiokafka"), logging.getLogger("aiokafka.conn")]
    before = [logger.level for logger in loggers]
    failed = await asyncio.gather(*(connection.topics() for _ in range(3)), return_exceptions=True)  # side by side
    assert [type(exc) for exc in failed] == [StreamUnavailable] * 3
    assert [logger.level for logger in loggers] == before


def test_an_address_that_is_none_and_security_that_cannot_be_are_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.bootstrap"):
        Connection("localhost")
    with pytest.raises(ConfigError, match=r"kafka\.security\.mechanism"):
        Connection("localhost:9092", KafkaSecurity(protocol="sasl_ssl"))


def test_arguments_name_the_client_and_whole_requests_are_never_logged() -> None:
    logging.getLogger("aiokafka.conn").setLevel(logging.DEBUG)
    arguments = Connection("a:1,b:2").arguments("worker-1")
    assert (arguments["bootstrap_servers"], arguments["client_id"]) == ("a:1,b:2", "worker-1")
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (kafka_errors.GroupAuthorizationFailedError("g"), ConfigError),
        (kafka_errors.SaslAuthenticationFailed("no"), ConfigError),
        (kafka_errors.UnknownError("code 82"), StreamUnavailable),
        (kafka_errors.KafkaConnectionError("gone"), StreamUnavailable),
        (OSError("broken\npipe"), StreamUnavailable),
    ],
)
async def test_what_the_client_raises_becomes_an_error_of_ours(error: Exception, kind: type[Exception]) -> None:
    connection = Connection("a:1")
    with pytest.raises(kind, match="kafka a:1: expected an answer") as raised:
        async with connection.answering("an answer"):
            raise error
    assert "\n" not in str(raised.value)


async def test_an_end_that_fails_or_cancels_is_no_end_in_order() -> None:
    async def well() -> None: ...

    async def badly() -> None:
        raise kafka_errors.KafkaError("no")

    assert await ended(well())
    assert not await ended(badly())
