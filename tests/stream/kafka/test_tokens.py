"""Tokens: from a file, from an endpoint over a real socket, and what is refused."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiokafka.errors import SaslAuthenticationFailed

from detector.stream.kafka.tokens import EndpointTokens, FileTokens


class Endpoint:
    """A token endpoint: answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: tuple[int, object] = (200, {"access_token": "first", "token_type": "Bearer", "expires_in": 600})
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.asked.append((request.headers["Authorization"], {key: str(value) for key, value in form.items()}))
        status, body = self.answer
        return web.json_response(body, status=status)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    served = Endpoint()
    app = web.Application()
    app.router.add_post("/token", served.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    yield served
    await runner.cleanup()


async def test_a_file_is_read_again_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = FileTokens(file)
    for text in ("one", "two"):
        file.write_text(f"{text}\n")
        assert await tokens.token() == text


@pytest.mark.parametrize("content", [b"", b"  \n", b"two words", b"\xff\xfe", b"a\x01b"])
async def test_a_file_without_a_token_is_named_and_its_content_is_not(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(SaslAuthenticationFailed, match="token") as raised:
        await FileTokens(tmp_path / "token").token()
    assert "two words" not in str(raised.value)


async def test_a_file_that_is_gone_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(SaslAuthenticationFailed, match="FileNotFoundError"):
        await FileTokens(tmp_path / "gone").token()


async def test_an_endpoint_is_asked_as_rfc_6749_says_and_once_per_life_of_a_token(endpoint: Endpoint) -> None:
    tokens = EndpointTokens(endpoint.url, "us:er", "pass word", "kafka")
    assert [await tokens.token(), await tokens.token()] == ["first", "first"]
    login = base64.b64encode(b"us%3Aer:pass+word").decode()
    assert endpoint.asked == [(f"Basic {login}", {"grant_type": "client_credentials", "scope": "kafka"})]


async def test_a_token_at_the_end_of_its_life_is_asked_for_anew(endpoint: Endpoint) -> None:
    tokens = EndpointTokens(endpoint.url, "user", "word", None)
    endpoint.answer = (200, {"access_token": "short", "expires_in": 0})
    assert await tokens.token() == "short"
    endpoint.answer = (200, {"access_token": "next"})
    assert await tokens.token() == "next"
    assert endpoint.asked[0][1] == {"grant_type": "client_credentials"}


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, {"error": "invalid_client"}), SaslAuthenticationFailed, "HTTP 401"),
        ((302, {}), SaslAuthenticationFailed, "HTTP 302"),
        ((200, {"token": "x"}), SaslAuthenticationFailed, "an answer without one"),
        ((200, {"access_token": "two words"}), SaslAuthenticationFailed, "other characters"),
        ((503, {}), ConnectionError, "HTTP 503"),
        ((429, {}), ConnectionError, "HTTP 429"),
    ],
)
async def test_an_answer_that_is_no_token_says_what_it_was(
    answer: tuple[int, object], error: type[Exception], said: str, endpoint: Endpoint
) -> None:
    endpoint.answer = answer
    with pytest.raises(error, match=said) as raised:
        await EndpointTokens(endpoint.url, "user", "secret-word", None).token()
    assert "secret-word" not in str(raised.value)
    assert "two words" not in str(raised.value)


async def test_an_endpoint_where_nobody_listens_is_tried_again_later(endpoint: Endpoint) -> None:
    nobody = "http://127.0.0.1:1/token"
    with pytest.raises(ConnectionError, match=nobody):
        await EndpointTokens(nobody, "user", "word", None).token()
