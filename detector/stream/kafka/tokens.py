"""Tokens for OAUTHBEARER: from a file that something else renews, or from an OAuth 2.0 token endpoint.

The client asks for a token at each connection. The protocol it speaks does not renew one within a connection (KIP-368):
a broker that limits sessions closes the connection instead, and the next one brings a new token.

Only errors that the client expects may leave `token`: any other would end one of its background tasks. They are
translated into ours where a connection is made (`connection.py`), and never carry a token.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

import aiohttp
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import SaslAuthenticationFailed

ENDPOINT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 64 * 1024
FRESH: Final = 0.8  # of its life a token is used for new connections


class FileTokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka ships no types
    """The text of a file, read again at each connection (a projected service-account token, for example)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self) -> str:
        """See `AbstractTokenProvider`. Raises SaslAuthenticationFailed."""
        try:
            text = (await asyncio.to_thread(self._file.read_text, "ascii")).strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise _refused(f"a token in {self._file}", type(exc).__name__) from exc
        return _checked(text, str(self._file))


class _Answer(msgspec.Struct):
    """What RFC 6749, section 5.1 says of an access token; other fields are not ours."""

    access_token: str
    expires_in: int = 60


class EndpointTokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka ships no types
    """Tokens of the client-credentials grant (RFC 6749, section 4.4), kept for four fifths of their life."""

    def __init__(self, endpoint: str, client_id: str, client_secret: str, scope: str | None) -> None:
        self._endpoint = endpoint
        # Section 2.3.1: both are form-encoded before they become user and password.
        login = base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """See `AbstractTokenProvider`. Raises SaslAuthenticationFailed, or OSError when nobody answers."""
        async with self._asking:  # connections are made side by side: one question serves them all
            clock = asyncio.get_running_loop().time
            if clock() >= self._until:
                asked = clock()
                answer = await self._ask()
                self._token = _checked(answer.access_token, self._endpoint)
                self._until = asked + FRESH * max(0, answer.expires_in)
            return self._token

    async def _ask(self) -> _Answer:
        limit = aiohttp.ClientTimeout(total=ENDPOINT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self._endpoint, data=self._form, headers=self._headers, allow_redirects=False) as response,
            ):
                body = await response.content.read(MAX_ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise ConnectionError(
                f"{self._endpoint}: expected a token, found no answer ({type(exc).__name__})"
            ) from exc
        if response.status >= 500 or response.status == 429:
            raise ConnectionError(f"{self._endpoint}: expected a token, found HTTP {response.status}")
        if response.status != 200:
            raise _refused(f"a token from {self._endpoint}", f"HTTP {response.status}")
        try:
            return msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError as exc:
            raise _refused(f"an access_token from {self._endpoint}", "an answer without one") from exc


def _checked(token: str, place: str) -> str:
    """A token that fits into one field of the protocol (RFC 7628): visible characters only."""
    if not token or not token.isascii() or any(not "\x21" <= sign <= "\x7e" for sign in token):
        raise _refused(f"a token of visible characters from {place}", "an empty text or other characters")
    return token


def _refused(expected: str, found: str) -> SaslAuthenticationFailed:
    return SaslAuthenticationFailed(f"expected {expected}, found {found}")
