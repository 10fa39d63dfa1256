"""TLS and SASL against a real broker: who is let in, who is refused, and that no refusal says a secret."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.errors import ConfigError, StreamUnavailable
from detector.settings import KafkaSecurity
from detector.stream.base import OutgoingRecord, Partition
from detector.stream.kafka.connection import Connection
from detector.stream.kafka.consumer import KafkaStream
from detector.stream.kafka.producer import KafkaWriter
from detector.telemetry.events import Event
from tests.contracts.test_every_stream import read_all, values
from tests.integration.broker import Unavailable
from tests.integration.conftest import create_topic
from tests.integration.secured import PASSWORD, USER, Secured, token

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    try:
        found = Secured.start(tmp_path_factory.mktemp("secured"))
    except Unavailable as exc:
        if os.environ.get("DETECTOR_REQUIRE_KAFKA") == "1":
            pytest.fail(f"DETECTOR_REQUIRE_KAFKA=1, but {exc}")
        pytest.skip(str(exc))
    yield found
    found.cluster.stop()


def login(**settings: Any) -> dict[str, Any]:
    return {"protocol": "sasl_plaintext", "username": USER, "password": PASSWORD, **settings}


async def goes_through(secured: Secured, listener: str, settings: dict[str, Any]) -> None:
    """One record, written and read as a member of a group."""
    topic = create_topic(secured.cluster, "raw")
    connection = Connection(secured.cluster.address(listener), KafkaSecurity(**settings))

    def ignore(event: Event) -> None: ...

    async with KafkaWriter(connection) as writer, KafkaStream(connection, [topic], f"g-{topic}", ignore) as stream:
        await writer.write([OutgoingRecord(topic, b"let in")])
        assert values((await read_all(stream, 1))[Partition(topic, 0)]) == [b"let in"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_password_lets_us_in(mechanism: str, secured: Secured) -> None:
    await goes_through(secured, "PASSWORD", login(mechanism=mechanism))


async def test_tls_lets_us_in_where_the_authority_is_known(secured: Secured) -> None:
    await goes_through(secured, "TLS", {"protocol": "ssl", "ca_file": str(secured.authority)})


async def test_a_password_under_tls_lets_us_in(secured: Secured) -> None:
    settings = login(protocol="sasl_ssl", ca_file=str(secured.authority), mechanism="SCRAM-SHA-512")
    await goes_through(secured, "TLSPASSWORD", settings)


async def test_a_certificate_of_ours_lets_us_in(secured: Secured) -> None:
    settings: dict[str, Any] = {"protocol": "ssl", "ca_file": str(secured.authority)}
    with pytest.raises((ConfigError, StreamUnavailable), match="kafka"):
        await Connection(secured.cluster.address("MUTUAL"), KafkaSecurity(**settings)).topics()
    settings |= {"certificate_file": str(secured.certificate), "key_file": str(secured.key)}
    await goes_through(secured, "MUTUAL", settings)


async def test_a_token_lets_us_in_and_is_read_again_at_each_connection(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token() + "\n")
    settings: dict[str, Any] = {"protocol": "sasl_plaintext", "mechanism": "OAUTHBEARER", "token_file": str(file)}
    await goes_through(secured, "TOKEN", settings)
    connection = Connection(secured.cluster.address("TOKEN"), KafkaSecurity(**settings))
    file.write_text(expired := token(seconds=-600))
    with pytest.raises(ConfigError, match="token was refused") as raised:
        await connection.topics()
    assert expired not in str(raised.value)
    file.write_text(token())
    assert await connection.topics()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_wrong_password_is_a_settings_error_that_does_not_say_it(
    mechanism: str, secured: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    settings = login(mechanism=mechanism, password="a wrong secret")  # noqa: S106 - wrong by design
    with pytest.raises(ConfigError, match=r"SaslAuthenticationFailed.*check kafka\.security") as raised:
        await Connection(secured.cluster.address("PASSWORD"), KafkaSecurity(**settings)).topics()
    assert "a wrong secret" not in f"{raised.value} {caplog.text}"


async def test_a_mechanism_the_broker_does_not_have_is_a_settings_error(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(token())
    settings: dict[str, Any] = {
        "protocol": "sasl_plaintext",
        "mechanism": "OAUTHBEARER",
        "token_file": str(tmp_path / "token"),
    }
    with pytest.raises(ConfigError, match="UnsupportedSaslMechanism"):
        await Connection(secured.cluster.address("PASSWORD"), KafkaSecurity(**settings)).topics()


async def test_an_authority_we_do_not_know_and_a_name_that_is_not_the_brokers_are_refused(secured: Secured) -> None:
    with pytest.raises(ConfigError, match="CERTIFICATE_VERIFY_FAILED"):
        await Connection(secured.cluster.address("TLS"), KafkaSecurity(protocol="ssl")).topics()
    known = KafkaSecurity(protocol="ssl", ca_file=str(secured.authority))
    with pytest.raises(ConfigError, match=r"certificate is not valid for '127\.0\.0\.1'"):
        await Connection(secured.cluster.address("STRANGER"), known).topics()


async def test_the_wrong_kind_of_listener_is_no_answer_with_a_hint(secured: Secured) -> None:
    with pytest.raises(StreamUnavailable, match=r"is the broker up and reachable, and kafka\.security right\?"):
        await Connection(secured.cluster.address("PASSWORD")).topics()
