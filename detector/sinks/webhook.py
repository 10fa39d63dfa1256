"""Alerts as signed POST requests (Standard Webhooks, https://www.standardwebhooks.com), one request per alert.

    POST target
    webhook-id: the alert's id, by which a receiver drops repeats
    webhook-timestamp: seconds since 1970, at this attempt
    webhook-signature: v1,BASE64(HMAC-SHA256(secret, ID.TIMESTAMP.BODY)), one per secret, separated by spaces

| answer | what it means here |
|---|---|
| 2xx | delivered |
| no connection, no answer in 15 s, 408, 425, 429, 502, 503, 504 | away: the alerts wait; `Retry-After` is respected |
| 3xx, 401, 403, 404, 405, 407, other 5xx | failing: a wrong address, a defect, or this alert is at fault |
| 410 | the receiver wants no more: nothing is sent until an operator has changed something and starts again |
| other 4xx | this alert is refused |

A firewall in front of a receiver answers 403 or 404 to what a log made an alert say, and a misconfigured receiver
answers them to everything. From here the two look alike, so neither is trusted to be the one or the other at once.

Redirects are not followed, cookies not kept, proxies of the environment not used. Of an answer only the status and
`Retry-After` count; no message names more of the address than its host, for the rest may be a token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import ClassVar, Final
from urllib.parse import SplitResult, urlsplit

import aiohttp

from detector import __version__
from detector.alert import Alert
from detector.errors import ConfigError, DeliveryFailed, InternalError, RecordError, StreamUnavailable
from detector.sinks.base import Sink

TIMEOUT_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 2.0  # a connection kept longer than its server keeps it fails the next alert
RESPONSE_LIMIT: Final = 65_536  # bytes of an answer that are read; after a longer one the connection is closed
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix of all secrets, not one of them
SECRET_BYTES: Final = range(24, 65)

AWAY: Final = frozenset({408, 425, 429, 502, 503, 504})
FAILING: Final = frozenset({401, 403, 404, 405, 407})  # beside 3xx and the other 5xx
GONE: Final = 410

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")  # fit for a header and for the signed text, where a dot separates


class Webhook(Sink):
    """A receiver of Standard Webhooks: `target` is its https address, `secrets` are `whsec_` and base64.

    With two secrets every request carries two signatures, so that a receiver can move from one to the other.
    """

    name: ClassVar[str] = "webhook"
    title: ClassVar[str] = "signed requests to a web address (Standard Webhooks)"
    batch: ClassVar[int] = 1  # each alert is acknowledged by itself, so only one is ever repeated

    _session: aiohttp.ClientSession | None = None
    _keys: tuple[bytes, ...] = ()
    _shown: str = ""  # how messages call the destination

    async def start(self) -> None:
        """Check address and secrets; nothing is sent yet. Raises ConfigError."""
        self._shown = self._checked_host()
        self._keys = self._decoded_secrets()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            headers={
                "User-Agent": f"credential-use-detector/{__version__}",
                "Content-Type": self.encoder.content_type,
                "Accept-Encoding": "identity",
            },
            auto_decompress=False,
            trust_env=False,
        )

    async def deliver(self, alerts: Sequence[Alert]) -> None:
        """One request after the other. Raises what the table above says."""
        for alert in alerts:
            await self._post(alert)

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, alert: Alert) -> None:
        if self._session is None:
            raise InternalError("webhook: deliver was called before start")
        if not _ID.fullmatch(alert.id):
            raise RecordError("refused", f"{self._shown}: expected an alert id of letters and digits, found another")
        body = self.encoder.encode(alert)
        # No error is chained: the texts of the library's own name the whole address.
        try:
            async with self._session.post(
                self.destination.target,
                data=body,
                headers=signed(self._keys, alert.id, int(time.time()), body),
                allow_redirects=False,
            ) as response:
                status, wait = response.status, response.headers.get("Retry-After", "")
                await _discard(response)
        except aiohttp.InvalidURL:
            raise ConfigError(f"{self._shown}: expected an address that can be asked, found one that cannot") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StreamUnavailable(f"{self._shown}: expected an answer to a POST, found {_problem(error)}") from None
        self._judge(status, wait)

    def _judge(self, status: int, wait: str) -> None:
        """Return for an alert that has arrived; raise for any other answer."""
        found = f"{self._shown}: expected a 2xx answer, found HTTP {status}"
        if 200 <= status < 300:
            return
        if status in AWAY:
            raise StreamUnavailable(f"{found}; the alerts wait for it", retry_after=seconds_to_wait(wait, time.time()))
        if status == GONE:
            raise ConfigError(
                f"{found}: the receiver wants no more; remove this sink or correct its target, then start again: "
                "its alerts wait in the alerts topic"
            )
        if status < 400 or status >= 500 or status in FAILING:
            raise DeliveryFailed("failed", f"{found}; check the target, the secrets and the receiver's own log")
        raise RecordError("refused", f"{found}; the receiver's own log should say why")

    def _checked_host(self) -> str:
        """How messages call the destination. Raises ConfigError for an address that alerts must not go to."""
        try:
            parts = urlsplit(self.destination.target)
            fits = bool(parts.hostname) and parts.username is None and parts.port != 0 and _unread(parts)
            (parts.hostname or "").encode("idna")  # what asking for its address would do, and fail at
        except ValueError:
            fits = False
        if not fits:
            raise ConfigError(
                f"sinks.{self.destination.name}.target: expected https://HOST/… without a user name (http only to this "
                "machine), found an address that is none; its text is not shown, for it may hold a token"
            )
        return f"sinks.{self.destination.name}: {parts.scheme}://{parts.hostname}"

    def _decoded_secrets(self) -> tuple[bytes, ...]:
        """The keys of the signatures. Raises ConfigError without showing any."""
        keys = tuple(_key(secret) for secret in self.destination.secrets)
        for number, key in enumerate(keys):
            if len(key) not in SECRET_BYTES:
                raise ConfigError(
                    f"sinks.{self.destination.name}.secrets[{number}]: expected {SECRET_PREFIX} and the base64 of "
                    f"{SECRET_BYTES[0]} to {SECRET_BYTES[-1]} random bytes, found another text; take the one that the "
                    "receiver shows"
                )
        if not keys:
            raise ConfigError(
                f"sinks.{self.destination.name}.secrets: expected at least one, found none: a receiver must be able "
                "to tell our alerts from forged ones"
            )
        return keys


def signed(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks, with a signature by each of `keys`."""
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signatures = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def seconds_to_wait(text: str, now: float) -> float:
    """What a `Retry-After` asks for (seconds, or a date); 0 when it cannot be read. `now`: seconds since 1970."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def _key(secret: str) -> bytes:
    """The bytes of a `whsec_` secret, with or without padding; empty when it is none."""
    found = secret.removeprefix(SECRET_PREFIX)
    if found == secret:
        return b""
    try:
        return base64.b64decode(found + "=" * (-len(found) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unread(parts: SplitResult) -> bool:
    """Whether nobody reads along on the way: TLS, or no way at all."""
    if parts.scheme == "https":
        return True
    try:
        loopback = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    return parts.scheme == "http" and loopback


async def _discard(response: aiohttp.ClientResponse) -> None:
    """Read an answer to its end, if that is near; what was answered is known already."""
    size = 0
    with suppress(aiohttp.ClientError, TimeoutError):
        while size < RESPONSE_LIMIT and (chunk := await response.content.readany()):
            size += len(chunk)


def _problem(error: Exception) -> str:
    """A failed request in words of our own."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "a certificate that is not trusted; its authority must be known to this machine"
        case aiohttp.ClientConnectorDNSError():
            return "no address for this name"
        case aiohttp.ClientConnectorError():
            return f"no connection ({error.os_error.strerror or 'refused'})"
        case TimeoutError():
            return f"none within {TIMEOUT_SECONDS:.0f} s"
        case _:
            return "a connection that broke"
