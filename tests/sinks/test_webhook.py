from __future__ import annotations

import asyncio
import base64
import re
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from detector.encoders.native import Native
from detector.errors import ConfigError, DeliveryFailed, DetectorError, InternalError, RecordError, StreamUnavailable
from detector.sinks import webhook
from detector.sinks.base import REFUSALS, Destination
from detector.sinks.webhook import TIMEOUT_SECONDS, Webhook, seconds_to_wait, signed
from tests.alerts import alert
from tests.receiver import SECRET, Answer, Receiver, receiving

OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


class Web:
    """The far end of the contract suite."""

    def __init__(self, receiver: Receiver) -> None:
        self.destination = destination(receiver)
        self.received = lambda: [request.body for request in receiver.requests]


@asynccontextmanager
async def far_end(tmp_path: Path) -> AsyncIterator[Web]:
    async with receiving() as receiver:
        yield Web(receiver)


def refusing(tmp_path: Path) -> Destination:
    """A destination that cannot be used: nobody listens on the port of discarded packets."""
    return Destination("soc", "http://127.0.0.1:9/hook/T0KEN", (SECRET,))


def destination(receiver: Receiver, *secrets: str) -> Destination:
    return Destination("soc", receiver.url, secrets or (SECRET,))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def outcome(receiver: Receiver, answer: Answer) -> DetectorError:
    """The error that an answer becomes."""
    receiver.always = answer
    async with Webhook(destination(receiver), Native()) as sink:
        with pytest.raises(DetectorError) as caught:
            await sink.deliver([alert()])
    return caught.value


async def test_a_receiver_can_verify_who_sent_an_alert(receiver: Receiver) -> None:
    async with Webhook(destination(receiver), Native()) as sink:
        await sink.deliver([alert()])

    (request,) = receiver.requests
    assert Verifier(SECRET).verify(request.body, dict(request.headers))["id"] == alert().id
    assert (request.method, request.path) == ("POST", "/hook/T0KEN")
    assert request.headers["webhook-id"] == alert().id
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert request.headers["content-type"] == "application/json"
    assert request.body == Native().encode(alert())


async def test_a_changed_alert_and_a_foreign_secret_do_not_verify(receiver: Receiver) -> None:
    async with Webhook(destination(receiver), Native()) as sink:
        await sink.deliver([alert()])

    (request,) = receiver.requests
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.body.replace(b"high", b"low"), dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(OTHER_SECRET).verify(request.body, dict(request.headers))


async def test_while_secrets_are_rotated_a_receiver_may_hold_either(receiver: Receiver) -> None:
    async with Webhook(destination(receiver, OTHER_SECRET, SECRET), Native()) as sink:
        await sink.deliver([alert()])

    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER_SECRET):
        assert Verifier(secret).verify(request.body, dict(request.headers))["id"] == alert().id


def test_the_signature_is_the_one_of_the_published_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_answer_of_success_is_a_delivery(receiver: Receiver, status: int) -> None:
    receiver.always = Answer(status)
    async with Webhook(destination(receiver), Native()) as sink:
        await sink.deliver([alert()])
    assert len(receiver.accepted) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
async def test_an_endpoint_that_is_away_is_waited_for(receiver: Receiver, status: int) -> None:
    error = await outcome(receiver, Answer(status))
    assert isinstance(error, StreamUnavailable)
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 405, 407, 500, 501, 505])
async def test_a_failure_that_may_or_may_not_be_the_alert_is_no_refusal_yet(receiver: Receiver, status: int) -> None:
    error = await outcome(receiver, Answer(status, {"Location": "/elsewhere"} if status < 400 else {}))
    assert isinstance(error, DeliveryFailed)
    assert error.reason in REFUSALS
    assert len(receiver.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize("status", [400, 406, 409, 411, 413, 414, 415, 418, 422, 431, 451])
async def test_a_refused_alert_is_a_dead_letter(receiver: Receiver, status: int) -> None:
    error = await outcome(receiver, Answer(status))
    assert type(error) is RecordError
    assert error.reason in REFUSALS


async def test_a_receiver_that_wants_no_more_asks_an_operator(receiver: Receiver) -> None:
    error = await outcome(receiver, Answer(410))
    assert isinstance(error, ConfigError)
    assert "remove this sink or correct its target" in str(error)


async def test_an_endpoint_says_how_long_to_wait(receiver: Receiver) -> None:
    error = await outcome(receiver, Answer(503, {"Retry-After": "17"}))
    assert isinstance(error, StreamUnavailable)
    assert error.retry_after == 17.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("1e9", 0.0),
        ("9" * 40, 0.0),
        ("Thu, 99 Jan 1970 00:01:40 GMT", 0.0),
    ],
)
def test_the_time_to_wait_is_seconds_or_a_date_or_nothing(text: str, seconds: float) -> None:
    assert seconds_to_wait(text, now=10.0) == seconds


async def test_an_endpoint_that_hangs_is_away_after_the_time_limit(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.05)
    error = await outcome(receiver, Answer(instead="hang"))
    assert isinstance(error, StreamUnavailable)
    assert "none within" in str(error)


async def test_a_connection_that_breaks_is_an_endpoint_that_is_away(receiver: Receiver) -> None:
    error = await outcome(receiver, Answer(instead="drop"))
    assert isinstance(error, StreamUnavailable)
    assert "broke" in str(error)


async def test_nobody_listening_is_an_endpoint_that_is_away(tmp_path: Path) -> None:
    async with Webhook(refusing(tmp_path), Native()) as sink:
        with pytest.raises(StreamUnavailable, match="no connection"):
            await sink.deliver([alert()])


async def test_alerts_before_the_one_that_failed_have_arrived_in_order(receiver: Receiver) -> None:
    receiver.answers.extend([Answer(), Answer(), Answer(422)])
    sent = [alert(id=f"a{number}") for number in range(4)]
    async with Webhook(destination(receiver), Native()) as sink:
        with pytest.raises(RecordError):
            await sink.deliver(sent)
    assert receiver.accepted == [Native().encode(one) for one in sent[:2]]
    assert len(receiver.requests) == 3


async def test_an_endless_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answers.append(Answer(instead="endless"))
    async with asyncio.timeout(TIMEOUT_SECONDS / 2), Webhook(destination(receiver), Native()) as sink:
        await sink.deliver([alert(id="a1"), alert(id="a2")])
    assert len(receiver.accepted) == 2


async def test_what_an_endpoint_answers_is_never_repeated(receiver: Receiver) -> None:
    for status in (400, 410, 500, 503):
        error = await outcome(receiver, Answer(status, {"Retry-After": "3CH0"}, b"3CH0"))
        assert "3CH0" not in str(error)


async def test_messages_name_the_host_and_neither_path_nor_secret(receiver: Receiver, tmp_path: Path) -> None:
    errors = [await outcome(receiver, Answer(status)) for status in (302, 400, 410, 500, 503)]
    errors.append(await outcome(receiver, Answer(instead="drop")))
    async with Webhook(refusing(tmp_path), Native()) as sink:
        with pytest.raises(StreamUnavailable) as caught:
            await sink.deliver([alert()])
    for error in (*errors, caught.value):
        assert "sinks.soc: http://127.0.0.1" in str(error)
        assert "T0KEN" not in str(error)
        assert SECRET not in str(error)
        assert error.__cause__ is None, "a traceback would name the whole address"
        assert error.__suppress_context__ or error.__context__ is None


async def test_cookies_are_not_kept_and_proxies_of_the_environment_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    receiver.answers.append(Answer(200, {"Set-Cookie": "session=1"}))
    async with Webhook(destination(receiver), Native()) as sink:
        await sink.deliver([alert(id="a1"), alert(id="a2")])
    assert all("cookie" not in request.headers for request in receiver.requests)
    assert len(receiver.accepted) == 2


@pytest.mark.parametrize("unfit", ["a\r\nx-forged: 1", "a.1", "", "ü", "a" * 300])
async def test_an_id_that_is_no_header_is_refused_unsent(receiver: Receiver, unfit: str) -> None:
    async with Webhook(destination(receiver), Native()) as sink:
        with pytest.raises(RecordError, match="expected an alert id"):
            await sink.deliver([alert(id=unfit)])
    assert receiver.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "http://soc.example/T0KEN",
        "ftp://soc.example/T0KEN",
        "soc.example/T0KEN",
        "https:///T0KEN",
        "https://user:T0KEN@soc.example/",
        "https://soc.example:99999/T0KEN",
        "https://soc.example:0/T0KEN",
        "https://[::1/T0KEN",
        f"https://{'a' * 64}.example/T0KEN",
        "http://localhost.soc.example/T0KEN",
        "",
    ],
)
async def test_an_address_that_alerts_must_not_go_to_is_refused_unshown(target: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("sinks.soc.target: expected https://HOST/")) as caught:
        await Webhook(Destination("soc", target, (SECRET,)), Native()).start()
    assert "T0KEN" not in str(caught.value)


async def test_an_address_that_cannot_be_asked_is_a_setting_to_correct() -> None:
    async with Webhook(Destination("soc", "https://300.1.1.1/T0KEN", (SECRET,)), Native()) as sink:
        with pytest.raises(ConfigError) as caught:
            await sink.deliver([alert()])
    assert "T0KEN" not in str(caught.value)


@pytest.mark.parametrize("target", ["https://soc.example/x", "http://localhost:1/x", "http://[::1]:1/x"])
async def test_tls_or_this_machine_will_do(target: str) -> None:
    async with Webhook(Destination("soc", target, (SECRET,)), Native()) as sink:
        await sink.deliver([])


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not*base64*not*base64*not*base64*", SECRET.removeprefix("whsec_"),
     "whsec_" + "A" * 100, "whsec_üüüü"],
)  # fmt: skip
async def test_a_secret_that_is_none_is_refused_by_its_place_alone(secret: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("sinks.soc.secrets[1]: expected whsec_")) as caught:
        await Webhook(Destination("soc", "https://soc.example/", (SECRET, secret)), Native()).start()
    assert len(secret) < 7 or secret not in str(caught.value)


async def test_alerts_are_never_sent_unsigned() -> None:
    with pytest.raises(ConfigError, match="expected at least one"):
        await Webhook(Destination("soc", "https://soc.example/"), Native()).start()


async def test_delivering_before_the_start_is_a_defect(receiver: Receiver) -> None:
    with pytest.raises(InternalError):
        await Webhook(destination(receiver), Native()).deliver([alert()])


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """What a server of a certificate needs that nobody vouches for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_gets_no_alert(self_signed: ssl.SSLContext) -> None:
    async with (
        receiving(host="localhost", tls=self_signed) as receiver,
        Webhook(destination(receiver), Native()) as sink,
    ):
        with pytest.raises(StreamUnavailable, match="certificate that is not trusted"):
            await sink.deliver([alert()])
        assert receiver.requests == []
