"""Talking to a broker: addresses and security as arguments, every answer bounded, every failure one of our errors."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.protocol.metadata import MetadataRequest

from detector.decode import RawRecord
from detector.errors import ConfigError, DetectorError, StreamUnavailable
from detector.settings import KafkaSecurity
from detector.stream.kafka.security import security_arguments
from detector.stream.refusals import check_addresses

ANSWER_SECONDS: Final = 15.0
STOP_SECONDS: Final = 2.0
REQUEST_MILLISECONDS: Final = 10_000
SAID_LETTERS: Final = 300
BROKERS_ASKED: Final = 5
WHOLE_REQUESTS: Final = "aiokafka.conn"  # the logger that prints them at DEBUG, the one with the password among them

REFUSALS: Final = (
    kafka_errors.AuthenticationFailedError,
    kafka_errors.AuthenticationMethodNotSupported,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.InconsistentGroupProtocolError,
    kafka_errors.IncompatibleBrokerVersion,
    kafka_errors.InvalidGroupIdError,
    kafka_errors.InvalidSessionTimeoutError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.OffsetMetadataTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.UnsupportedVersionError,
    ssl.SSLError,
)
PASSING: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a broker that ends, not that refuses
SILENCES: Final = (TimeoutError, kafka_errors.KafkaConnectionError, kafka_errors.NodeNotReadyError)


class Client(Protocol):
    """What every aiokafka client can do."""

    async def start(self) -> None:
        """Connect."""


class Connection:
    """A cluster and how to reach it: the addresses it is found by, and `kafka.security`.

    Raises ConfigError for addresses that are none and for security settings that cannot be used.
    """

    def __init__(self, bootstrap: str, security: KafkaSecurity | None = None) -> None:
        self.bootstrap = check_addresses(bootstrap)
        self._security = security_arguments(security or KafkaSecurity())
        logging.getLogger(WHOLE_REQUESTS).setLevel(logging.WARNING)

    def arguments(self, client_id: str = "detector") -> dict[str, Any]:
        """Arguments of any aiokafka client; `client_id` is what the broker's logs and quotas call it."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": client_id,
            "request_timeout_ms": REQUEST_MILLISECONDS,
            **self._security,
        }

    async def start(self, client: Client) -> None:
        """Start a client in time. Raises StreamUnavailable or ConfigError; ending it then is the caller's part."""
        async with self._explained("a broker"):
            await client.start()

    async def topics(self) -> dict[str, int]:
        """Topic → number of partitions, of all topics that we may see; looking creates none.

        Raises StreamUnavailable or ConfigError.
        """
        if "sasl_oauth_token_provider" in self._security:
            await self._ask_why()  # a client would take the refusal of its token for consent, and leave things open
        admin = AIOKafkaAdminClient(**self.arguments())
        try:
            async with self._explained("the list of topics"):
                await admin.start()
                found = await listed(admin)
        finally:
            await ended(admin.close())
        return {topic["topic"]: len(topic["partitions"]) for topic in found if topic["partitions"]}

    @asynccontextmanager
    async def answering(self, expected: str, seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
        """Bound a conversation with the broker and translate what goes wrong into our errors."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except (kafka_errors.KafkaError, OSError) as exc:  # TimeoutError is an OSError
            raise self.translated(exc, expected) from exc

    def translated(self, exc: BaseException, expected: str) -> DetectorError:
        """What the broker said, or did not say, as an error of ours."""
        silent = isinstance(exc, SILENCES)
        found = "no answer" if silent else f"{type(exc).__name__}: {exc}"[:SAID_LETTERS].replace("\n", " ")
        text = f"kafka {self.bootstrap}: expected {expected}, found {found}; "
        if isinstance(exc, REFUSALS) and not isinstance(exc, PASSING):
            return ConfigError(text + "check kafka.security, rights and limits")
        return StreamUnavailable(text + "is the broker up and reachable, and kafka.security right?")

    @asynccontextmanager
    async def _explained(self, expected: str) -> AsyncIterator[None]:
        """As `answering`, for a first contact: the client swallows why it failed, a wrong password included."""
        with _unheard:
            try:
                async with self.answering(expected):
                    yield
            except StreamUnavailable as exc:
                if isinstance(exc.__cause__, (kafka_errors.KafkaConnectionError, kafka_errors.NodeNotReadyError)):
                    await self._ask_why()
                raise

    async def _ask_why(self) -> None:
        """Ask each address once more, and raise ConfigError when one refuses us for good."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                for address in self.bootstrap.split(","):
                    try:
                        await self._hear(address)
                    except REFUSALS as exc:
                        if not isinstance(exc, PASSING):
                            raise self.translated(exc, "a broker that takes us and that we trust") from exc

    async def _hear(self, address: str) -> None:
        """Connect to one address and let go. Raises one of REFUSALS; silence is no answer here."""
        host, _, port = address.strip().rpartition(":")
        arguments = {name: value for name, value in self.arguments().items() if name != "bootstrap_servers"}
        asked = _Asked(host.strip("[]"), int(port), **arguments)
        try:
            await asked.connect()
            await asked.send(MetadataRequest([]))  # under TLS 1.3 a certificate is refused only after the handshake
        except (kafka_errors.KafkaError, OSError) as exc:
            refusal = next((cause for cause in _causes(exc) if isinstance(cause, REFUSALS)), None)
            if refusal is not None:
                raise refusal from exc
        finally:
            asked.close()


class _Asked(AIOKafkaConnection):  # type: ignore[misc]  # aiokafka ships no types
    """A connection that hears why a token was refused: the library takes the refusal for consent."""

    def authenticator_oauth(self) -> OAuthAuthenticator:
        return _Listening(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


class _Listening(OAuthAuthenticator):  # type: ignore[misc]  # aiokafka ships no types
    async def step(self, payload: bytes | None) -> Any:
        if payload:  # RFC 7628, section 3.2.3: consent is empty, a refusal is JSON
            raise kafka_errors.SaslAuthenticationFailed("the token was refused")
        return await super().step(payload)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__


class _Hush:
    """Keeps aiokafka from logging a failed connection: we raise it, and one report is enough.

    It counts, because several clients of a process may start at once.
    """

    def __init__(self) -> None:
        self._loggers = [logging.getLogger(name) for name in ("aiokafka", WHOLE_REQUESTS)]
        self._levels: list[int] = []
        self._within = 0

    def __enter__(self) -> None:
        if self._within == 0:
            self._levels = [logger.level for logger in self._loggers]
        self._within += 1
        for logger in self._loggers:
            logger.setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        self._within -= 1
        if self._within == 0:
            for logger, level in zip(self._loggers, self._levels, strict=True):
                logger.setLevel(level)


_unheard: Final = _Hush()


def raw_record(at: TopicPartition, raw: Any) -> RawRecord:
    """A record as the client has it; its timestamp, in milliseconds there, is -1 where there is none."""
    append_time = raw.timestamp * 1000 if raw.timestamp > 0 else 0
    return RawRecord(raw.value or b"", f"{at.topic}/{at.partition}", raw.offset, at.partition, append_time)


async def ended(ending: Coroutine[Any, Any, Any]) -> bool:
    """Whether it ended in order and in time. In a task of its own: a cancellation it leaks must not look like ours."""
    task = asyncio.create_task(ending, name="end of a Kafka client")
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    task.cancel()
    return task.done() and not task.cancelled() and task.exception() is None


async def listed(admin: Any) -> Any:
    """All topics. The client asks any broker it has heard of, which may be one that died a moment ago."""
    for _ in range(BROKERS_ASKED - 1):
        with suppress(kafka_errors.KafkaConnectionError, kafka_errors.NodeNotReadyError):
            return await admin.describe_topics()
    return await admin.describe_topics()
