"""A receiver of webhooks on loopback: keeps what it is sent and answers what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"  # noqa: S105 - guards nothing


@dataclass(frozen=True)
class Answer:
    """What comes back; `hang` never answers, `drop` closes the connection instead, `endless` has no last byte."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    instead: Literal["", "hang", "drop", "endless"] = ""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """`answers` are given one per request, then `always`; `judge` may answer by what was sent, before both."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.accepted: list[bytes] = []
        self.answers: deque[Answer] = deque()
        self.always = Answer()
        self.judge: Callable[[Request], Answer | None] = lambda request: None
        self.url = ""
        self.closing = asyncio.Event()

    async def handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        request = Request(incoming.method, incoming.path_qs, headers, await incoming.read())
        self.requests.append(request)
        answer = self.judge(request) or (self.answers.popleft() if self.answers else self.always)
        if answer.instead == "hang":
            await self.closing.wait()
        if answer.instead == "drop":
            assert incoming.transport is not None
            incoming.transport.abort()
        elif 200 <= answer.status < 300:
            self.accepted.append(request.body)
        if answer.instead == "endless":
            return await _endless(incoming)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


async def _endless(incoming: web.BaseRequest) -> web.StreamResponse:
    """Writes until the other side has had enough."""
    response = web.StreamResponse()
    await response.prepare(incoming)
    with suppress(ConnectionError):
        while True:
            await response.write(b"x" * 16_384)
    return response


@asynccontextmanager
async def receiving(
    path: str = "/hook/T0KEN", *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A receiver that answers until the block is left; its `url` is where."""
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    receiver.url = f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}{path}"
    try:
        yield receiver
    finally:
        receiver.closing.set()
        await runner.cleanup()
