"""`kafka.security` as arguments; who is let in with them is in tests/integration/test_kafka_security.py."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from detector.errors import ConfigError
from detector.settings import KafkaSecurity
from detector.stream.kafka.security import security_arguments
from detector.stream.kafka.tokens import EndpointTokens, FileTokens

LOGIN: Any = {"username": "detector", "password": "secret-word"}
CLIENT: Any = {"client_id": "detector", "client_secret": "secret-word"}
OAUTH: Any = {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER"}
ENDPOINT = "https://login.example/token"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_text("not a certificate")
    return str(path)


def test_nothing_said_is_plaintext() -> None:
    assert security_arguments(KafkaSecurity()) == {"security_protocol": "PLAINTEXT"}


def test_tls_always_verifies_the_broker_and_its_name() -> None:
    context = security_arguments(KafkaSecurity(protocol="ssl"))["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_login_becomes_arguments_of_the_client(mechanism: Any) -> None:
    settings = KafkaSecurity(protocol="sasl_plaintext", mechanism=mechanism, username="detector", password="p")  # noqa: S106
    assert security_arguments(settings) == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "detector",
        "sasl_plain_password": "p",
    }


def test_tokens_come_from_a_file_or_an_endpoint(file: str) -> None:
    from_file = security_arguments(KafkaSecurity(**OAUTH, token_file=file))
    assert isinstance(from_file["sasl_oauth_token_provider"], FileTokens)
    asked = security_arguments(KafkaSecurity(**OAUTH, token_endpoint=ENDPOINT, **CLIENT))
    assert isinstance(asked["sasl_oauth_token_provider"], EndpointTokens)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mechanism": "PLAIN"}, ["mechanism: expected nothing under protocol plaintext"]),
        ({"ca_file": "x"}, ["ca_file: expected nothing under protocol plaintext", "ca_file: expected a file"]),
        ({"protocol": "ssl", "ca_file": "gone"}, ["ca_file: expected a file, found none at gone"]),
        ({"protocol": "ssl", **LOGIN}, ["username: expected nothing", "password: expected nothing"]),
        ({"protocol": "sasl_ssl"}, ["mechanism: expected a value under protocol sasl_ssl, found none"]),
        ({"protocol": "sasl_ssl", "mechanism": "PLAIN"}, ["username: expected a value", "password: expected a value"]),
        ({"protocol": "sasl_ssl", "mechanism": "PLAIN", **LOGIN, "token_file": "x"}, ["token_file: expected nothing"]),
        ({**OAUTH}, ["token_file: expected either a token_file or a token_endpoint for OAUTHBEARER, found neither"]),
        ({**OAUTH, "token_endpoint": ENDPOINT}, ["client_id: expected a value", "client_secret: expected a value"]),
        ({**OAUTH, "token_endpoint": "http://login.example/", **CLIENT}, ["token_endpoint: expected an https://"]),
        ({**OAUTH, "token_endpoint": "no address", **CLIENT}, ["token_endpoint: expected an https://"]),
    ],
)
def test_settings_that_contradict_each_other_are_all_named(settings: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        security_arguments(KafkaSecurity(**settings))
    for problem in said:
        assert f"kafka.security.{problem}" in str(raised.value)
    assert "secret-word" not in str(raised.value)


def test_a_file_and_an_endpoint_are_one_too_many(file: str) -> None:
    with pytest.raises(ConfigError, match=r"token_endpoint for OAUTHBEARER, found both; set one"):
        security_arguments(KafkaSecurity(**OAUTH, token_file=file, token_endpoint=ENDPOINT, **CLIENT))


def test_a_key_without_its_certificate_is_no_certificate(file: str) -> None:
    with pytest.raises(ConfigError, match=r"certificate_file: expected a value"):
        security_arguments(KafkaSecurity(protocol="ssl", key_file=file))


@pytest.mark.parametrize("key", ["ca_file", "certificate_file"])
def test_files_that_hold_no_certificate_are_named(key: str, file: str) -> None:
    settings: Any = {key: file}
    with pytest.raises(ConfigError, match=rf"kafka\.security\.{key}: expected .* as PEM"):
        security_arguments(KafkaSecurity(protocol="ssl", **settings))
