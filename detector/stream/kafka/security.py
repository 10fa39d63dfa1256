"""How we show who we are, and who the broker must be: `kafka.security` as arguments of the client.

Under TLS the broker's certificate and host name are always verified; there is no setting that turns this off.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from detector.errors import ConfigError
from detector.settings import KafkaSecurity
from detector.stream.kafka.tokens import EndpointTokens, FileTokens

TLS_KEYS: Final = ("ca_file", "certificate_file", "key_file")
PASSWORD_KEYS: Final = ("username", "password")
ENDPOINT_KEYS: Final = ("token_endpoint", "client_id", "client_secret", "scope")
KEYS: Final = (*TLS_KEYS, "mechanism", *PASSWORD_KEYS, "token_file", *ENDPOINT_KEYS)
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def security_arguments(security: KafkaSecurity) -> dict[str, Any]:
    """Arguments of any aiokafka client. Raises ConfigError with every setting that is missing or contradicts others."""
    problems = [f"kafka.security.{text}" for text in (*_contradictions(security), *_unreadable(security))]
    if problems:
        raise ConfigError(problems)
    arguments: dict[str, Any] = {"security_protocol": security.protocol.upper()}
    if security.protocol.endswith("ssl"):
        arguments["ssl_context"] = _tls(security)
    if security.mechanism is not None:
        arguments["sasl_mechanism"] = security.mechanism
    if security.token_file is not None:
        arguments["sasl_oauth_token_provider"] = FileTokens(Path(security.token_file))
    elif security.token_endpoint is not None:
        arguments["sasl_oauth_token_provider"] = EndpointTokens(
            security.token_endpoint, security.client_id or "", security.client_secret or "", security.scope
        )
    elif security.mechanism is not None:
        arguments |= {"sasl_plain_username": security.username, "sasl_plain_password": security.password}
    return arguments


def _contradictions(security: KafkaSecurity) -> Iterator[str]:
    """Settings that are set and mean nothing here, or that must be set and are not; never a value."""
    needed, allowed = _needed(security), _allowed(security)
    mechanism = f" and mechanism {security.mechanism}" if security.mechanism else ""
    for key in KEYS:
        given = getattr(security, key) is not None
        if given and key not in allowed:
            yield (
                f"{key}: expected nothing under protocol {security.protocol}{mechanism}, found a value; "
                "remove it, or change kafka.security.protocol or mechanism"
            )
        elif not given and key in needed:
            yield f"{key}: expected a value under protocol {security.protocol}{mechanism}, found none; set it"
    if security.mechanism == "OAUTHBEARER" and (security.token_file is None) == (security.token_endpoint is None):
        found = "neither" if security.token_file is None else "both"
        yield f"token_file: expected either a token_file or a token_endpoint for OAUTHBEARER, found {found}; set one"


def _allowed(security: KafkaSecurity) -> set[str]:
    allowed: set[str] = set()
    if security.protocol.endswith("ssl"):
        allowed |= {*TLS_KEYS}
    if security.protocol.startswith("sasl"):
        allowed |= {"mechanism"}
        if security.mechanism == "OAUTHBEARER":
            allowed |= {"token_file", "token_endpoint"}
            allowed |= {*ENDPOINT_KEYS} if security.token_endpoint is not None else set()
        elif security.mechanism is not None:
            allowed |= {*PASSWORD_KEYS}
    return allowed


def _needed(security: KafkaSecurity) -> set[str]:
    needed: set[str] = set()
    if security.key_file is not None:
        needed |= {"certificate_file"}
    if security.protocol.startswith("sasl"):
        needed |= {"mechanism"}
        if security.mechanism == "OAUTHBEARER":
            needed |= {"client_id", "client_secret"} if security.token_endpoint is not None else set()
        elif security.mechanism is not None:
            needed |= {*PASSWORD_KEYS}
    return needed


def _unreadable(security: KafkaSecurity) -> Iterator[str]:
    """Files that are not there, and an endpoint that would send the secret in clear over a network."""
    for key in (*TLS_KEYS, "token_file"):
        path = getattr(security, key)
        if path is not None and not Path(path).is_file():
            yield f"{key}: expected a file, found none at {path}; name one that this process may read"
    if security.token_endpoint is not None:
        url = urlsplit(security.token_endpoint)
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)):
            yield "token_endpoint: expected an https:// address, since the client's secret is sent there; change it"


def _tls(security: KafkaSecurity) -> ssl.SSLContext:
    """A context that verifies the broker and shows our certificate where there is one. Raises ConfigError."""
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
    except OSError as exc:
        raise ConfigError(
            f"kafka.security.ca_file: expected certificates of authorities as PEM, found {_said(exc)} in "
            f"{security.ca_file}; name such a file"
        ) from exc
    if security.certificate_file is not None:
        try:
            # An empty password, so that an encrypted key is an error here and no question on the terminal.
            context.load_cert_chain(security.certificate_file, security.key_file, password="")
        except OSError as exc:
            raise ConfigError(
                "kafka.security.certificate_file: expected a certificate and its unencrypted key as PEM, found "
                f"{_said(exc)} in {security.certificate_file} and {security.key_file or 'no key_file'}"
            ) from exc
    return context


def _said(exc: OSError) -> str:
    return str(getattr(exc, "reason", None) or exc.strerror or type(exc).__name__)
