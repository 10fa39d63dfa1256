from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import stamina

from detector.alert import Alert, decode, encode
from detector.encoders.native import Native
from detector.errors import DeliveryFailed, InternalError, RecordError, StreamUnavailable
from detector.runtime import delivery
from detector.runtime.delivery import DeadAlert, Delivery, Pauses
from detector.runtime.signals import Stop
from detector.sinks.base import Destination, Sink
from detector.sinks.ndjson_file import NdjsonFile
from detector.sinks.webhook import Webhook
from detector.stream.base import Bounds, Fetched, OutgoingRecord, Partition, Position
from detector.stream.memory import MemoryBroker, MemoryStream, MemoryWriter
from detector.telemetry import events
from detector.telemetry.http import Health
from tests.alerts import alert
from tests.receiver import SECRET, Answer, Receiver, Request, receiving

FIRST, SECOND, DEAD = Partition("alerts", 0), Partition("alerts", 1), Partition("dead-letters", 0)
AT_ONCE = Pauses(away=(0.0, 0.0), failing=(0.0, 0.0), longest=0.0)


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker({"alerts": 2, "dead-letters": 1})


def some(count: int, prefix: str = "a") -> list[Alert]:
    """Alerts of two incidents in turn."""
    return [alert(id=f"{prefix}{at}", incident_id=f"{prefix}-incident{at % 2}") for at in range(count)]


def fill(broker: MemoryBroker, alerts: Iterable[Alert], *, seal: bool = True) -> None:
    """As detect writes them: an incident stays in its partition."""
    for one in alerts:
        broker.append(SECOND if one.incident_id.endswith("1") else FIRST, encode(one))
    if seal:
        broker.seal("alerts")


def web(receiver: Receiver, name: str = "soc") -> Webhook:
    return Webhook(Destination(name, receiver.url, (SECRET,)), Native())


class Told:
    """What was reported."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def __call__(self, event: events.Event) -> None:
        self.events.append(event)

    def outcomes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, events.AlertsDelivered):
                for outcome, count in event.outcomes.items():
                    found[outcome] = found.get(outcome, 0) + count
        return found

    def of(self, kind: type) -> list[events.Event]:
        return [event for event in self.events if type(event) is kind]


async def deliver(
    broker: MemoryBroker,
    sink: Sink,
    stop: Stop | None = None,
    told: Told | None = None,
    *,
    stream: MemoryStream | None = None,
    health: Health | None = None,
    pauses: Pauses = AT_ONCE,
    **options: object,
) -> Told:
    """One sink's loop from its start to its end."""
    told = told or Told()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sink)
        group = f"deliver-{sink.destination.name}"
        await Delivery(
            sink=sink,
            stream=await stack.enter_async_context(stream or MemoryStream(broker, ["alerts"], group)),
            writer=await stack.enter_async_context(MemoryWriter(broker)),
            dead_letters="dead-letters",
            observe=told,
            health=health or Health(),
            pauses=pauses,
            **options,  # type: ignore[arg-type]  # `min_severity` and `start`, as the tests below write them
        ).run(stop or Stop())
    return told


def ids(received: Iterable[bytes]) -> list[str]:
    return [decode(body).id for body in received]


def in_order(received: Sequence[str], sent: Sequence[Alert]) -> bool:
    """Whether first arrivals of each incident came in the order they were sent."""
    first = list(dict.fromkeys(received))
    incidents = {one.incident_id for one in sent}
    expected = [[one.id for one in sent if one.incident_id == incident] for incident in sorted(incidents)]
    return all(
        [one for one in first if one in incident] == [i for i in incident if i in first] for incident in expected
    )


def committed(broker: MemoryBroker, name: str = "soc") -> dict[Partition, int]:
    return {at: position.offset for (group, at), position in broker.committed.items() if group == f"deliver-{name}"}


def dead(broker: MemoryBroker) -> list[dict[str, object]]:
    return [json.loads(record.value) for record in broker.logs[DEAD]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen; a test that hangs here has failed."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in code that knows nothing of the test
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(broker: MemoryBroker, sink: Sink, stop: Stop) -> AsyncIterator[asyncio.Task[Told]]:
    """A loop beside the test, ended with the block."""
    task = asyncio.create_task(deliver(broker, sink, stop))
    try:
        yield task
    finally:
        stop.request("test")
        await task


async def test_every_alert_arrives_in_order_and_is_committed(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, sent := some(7))
    told = await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == [one.id for one in sent]
    assert in_order(ids(receiver.accepted), sent)
    assert committed(broker) == {FIRST: 4, SECOND: 3}
    assert told.outcomes() == {"delivered": 7}
    assert dead(broker) == []


async def test_a_file_gets_the_bytes_of_the_topic(broker: MemoryBroker, tmp_path: Path) -> None:
    fill(broker, some(7))
    path = tmp_path / "alerts.ndjson"
    await deliver(broker, NdjsonFile(Destination("file", str(path)), Native()))
    lines = path.read_bytes().splitlines()
    assert sorted(lines) == sorted(record.value for at in (FIRST, SECOND) for record in broker.logs[at])


async def test_a_second_start_goes_on_where_the_first_one_ended(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(4), seal=False)
    stop = Stop()
    async with running(broker, web(receiver), stop):
        await until(lambda: len(receiver.accepted) == 4)
    fill(broker, some(3, "b"))
    await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == ["a0", "a1", "a2", "a3", "b0", "b1", "b2"]


@pytest.mark.parametrize(
    "answer",
    [*(Answer(status) for status in (408, 425, 429, 502, 503, 504, 500, 302, 401, 404)), Answer(instead="drop")],
    ids=lambda answer: answer.instead or str(answer.status),
)
async def test_an_endpoint_that_fails_for_a_while_loses_nothing(
    broker: MemoryBroker, receiver: Receiver, answer: Answer
) -> None:
    fill(broker, sent := some(6))
    receiver.answers.extend([Answer(), answer, answer, answer])
    told = await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == [one.id for one in sent]
    assert in_order(ids(receiver.accepted), sent)
    assert dead(broker) == []
    attempts = [event.attempt for event in told.events if isinstance(event, events.DeliveryRetried)]
    assert attempts == [1, 2, 3]


async def test_an_endpoint_that_is_down_at_the_start_gets_everything_once_it_is_up(broker: MemoryBroker) -> None:
    fill(broker, sent := some(5))
    async with receiving() as gone:
        port = int(gone.url.split(":")[2].split("/")[0])
    told = Told()
    task = asyncio.create_task(deliver(broker, web(gone), None, told, pauses=Pauses(away=(0.01, 0.01))))
    await until(lambda: len(told.of(events.DeliveryRetried)) >= 2)
    async with receiving(port=port) as back:
        await task
        assert sorted(ids(back.accepted)) == [one.id for one in sent]
    assert told.outcomes() == {"delivered": 5}


async def test_patience_begins_anew_with_every_delivery(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(3))
    receiver.answers.extend([Answer(503), Answer(503), Answer(), Answer(503)])
    told = await deliver(broker, web(receiver))
    attempts = [event.attempt for event in told.events if isinstance(event, events.DeliveryRetried)]
    assert attempts == [1, 2, 1]


async def test_places_are_committed_while_a_long_fetch_is_handed_over(
    broker: MemoryBroker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "COMMIT_SECONDS", 0.0)
    fill(broker, [alert(id=f"a{at}") for at in range(4)])
    stored: list[int] = []

    def judge(request: Request) -> None:
        stored.append(sum(committed(broker).values()))

    receiver.judge = judge
    await deliver(broker, web(receiver))
    assert stored == [0, 1, 2, 3]


async def test_a_dead_endpoint_stops_neither_another_sink_nor_the_writer_of_alerts(
    broker: MemoryBroker, receiver: Receiver, tmp_path: Path
) -> None:
    path, stop = tmp_path / "alerts.ndjson", Stop()
    receiver.always = Answer(503)
    file = NdjsonFile(Destination("file", str(path)), Native())
    async with running(broker, web(receiver), stop) as away, running(broker, file, stop):
        for number in range(3):
            fill(broker, some(4, f"r{number}-"), seal=False)
            await until(lambda: path.is_file() and path.read_bytes().count(b"\n") == 4 * (number + 1))  # noqa: B023
        await until(lambda: len(receiver.requests) > 3)
        assert not away.done()
    assert committed(broker, "file") == {FIRST: 6, SECOND: 6}
    assert sum(committed(broker).values()) == 0

    receiver.always = Answer()
    broker.seal("alerts")
    await deliver(broker, web(receiver))
    assert len(set(ids(receiver.accepted))) == 12


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_only_the_refused_alert_becomes_a_dead_letter(
    broker: MemoryBroker, receiver: Receiver, status: int
) -> None:
    fill(broker, sent := some(6))
    receiver.judge = lambda request: Answer(status) if request.headers["webhook-id"] == "a2" else None
    told = await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == ["a0", "a1", "a3", "a4", "a5"]
    (letter,) = dead(broker)
    assert (letter["role"], letter["sink"], letter["alert_id"]) == ("deliver", "soc", "a2")
    assert (letter["incident_id"], letter["stream"], letter["offset"]) == (sent[2].incident_id, "alerts/0", 1)
    assert letter["reason"] == "refused"
    assert f"HTTP {status}" in str(letter["detail"])
    assert set(letter) == set(DeadAlert.__struct_fields__)
    assert sent[2].credential.id not in str(letter)
    assert [event for event in told.of(events.DeliveryRefused) if getattr(event, "alert", "") == "a2"]
    assert committed(broker) == {FIRST: 3, SECOND: 3}


async def test_an_alert_that_the_endpoint_fails_on_is_given_up_after_its_attempts(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(6))
    receiver.judge = lambda request: Answer(500) if request.headers["webhook-id"] == "a2" else None
    await deliver(broker, web(receiver))
    tried = [request.headers["webhook-id"] for request in receiver.requests]
    assert tried.count("a2") == AT_ONCE.attempts == 8
    assert max(tried.count(one) for one in ("a0", "a1", "a3", "a4", "a5")) == 1
    assert [(letter["alert_id"], letter["reason"]) for letter in dead(broker)] == [("a2", "failed")]


async def test_an_endpoint_that_is_away_is_waited_for_longer_than_one_that_fails(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(2))
    receiver.answers.extend([Answer(503)] * 40)
    await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == ["a0", "a1"]
    assert dead(broker) == []


async def test_a_receiver_that_wants_no_more_is_left_alone_until_the_next_start(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(4))
    receiver.judge = lambda request: Answer(410) if len(receiver.requests) == 2 else None
    stop, told = Stop(), Told()
    task = asyncio.create_task(deliver(broker, web(receiver), stop, told))
    await until(lambda: told.of(events.DeliverySuspended) != [])
    assert len(receiver.requests) == 2
    assert not task.done(), "the other roles of the process go on"
    stop.request("SIGTERM")
    await task
    assert len(receiver.requests) == 2
    (suspended,) = told.of(events.DeliverySuspended)
    assert "remove this sink or correct its target" in str(suspended)
    assert dead(broker) == []

    await deliver(broker, web(receiver))
    assert set(ids(receiver.accepted)) == {"a0", "a1", "a2", "a3"}


async def test_what_is_no_alert_becomes_a_dead_letter_without_its_bytes(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    other = encode(alert(id="x")).replace(b"detector.alert/1", b"detector.S3CRET")
    for value in (b"not json S3CRET", b"", b'{"id": 3}', b"\xff", other, b'{"x":' + b"[" * 100_000):
        broker.append(FIRST, value)
    fill(broker, some(1))
    told = await deliver(broker, web(receiver))
    assert ids(receiver.accepted) == ["a0"]
    assert [(letter["reason"], letter["offset"]) for letter in dead(broker)] == [
        ("not_an_alert", at) for at in range(6)
    ]
    assert "S3CRET" not in str(dead(broker)) + str(told.events)
    assert (dead(broker)[0]["size"], len(str(dead(broker)[0]["digest"]))) == (15, 32)


async def test_alerts_that_are_not_severe_enough_are_left_out_and_counted(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    levels = ["informational", "low", "medium", "high", "critical"]
    fill(broker, [alert(id=level, severity=level) for level in levels])
    told = await deliver(broker, web(receiver), min_severity="high")
    assert ids(receiver.accepted) == ["high", "critical"]
    assert told.outcomes() == {"delivered": 2, "filtered": 3}
    assert sum(committed(broker).values()) == 5


async def test_an_exact_repeat_is_dropped_and_the_memory_for_it_is_bounded(
    broker: MemoryBroker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REMEMBERED", 2)
    fill(broker, [alert(id=name) for name in ("a", "a", "b", "a", "c", "b", "a")])
    told = await deliver(broker, web(receiver))
    assert ids(receiver.accepted) == ["a", "b", "c", "a"]
    assert told.outcomes() == {"delivered": 4, "repeated": 3}


async def test_repeats_within_one_handing_over_are_dropped_too(broker: MemoryBroker, tmp_path: Path) -> None:
    fill(broker, [alert(id=name) for name in ("a", "a", "b", "a")])
    path = tmp_path / "alerts.ndjson"
    await deliver(broker, NdjsonFile(Destination("file", str(path)), Native()))
    assert ids(path.read_bytes().splitlines()) == ["a", "b"]


class Crashing(MemoryStream):
    """The process dies at a commit: before it is stored, or just after."""

    def __init__(self, broker: MemoryBroker, at: int, *, stored: bool, batch: int = 3) -> None:
        super().__init__(broker, ["alerts"], "deliver-soc", batch=batch)
        self.at, self.stored = at, stored

    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        self.at -= 1
        if self.at == 0 and not self.stored:
            raise InternalError("crash")
        await super().commit(positions)
        if self.at == 0:
            raise InternalError("crash")
        return True


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("at", [2, 3])
async def test_a_crash_at_a_commit_repeats_the_same_ids_and_loses_nothing(
    broker: MemoryBroker, receiver: Receiver, at: int, *, stored: bool
) -> None:
    fill(broker, sent := some(8))
    with pytest.raises(InternalError, match="crash"):
        await deliver(broker, web(receiver), stream=Crashing(broker, at, stored=stored))
    before = len(receiver.accepted)
    await deliver(broker, web(receiver))
    received = ids(receiver.accepted)
    assert sorted(set(received)) == [one.id for one in sent]
    assert len(received) - len(sent) == (0 if stored else 3)
    assert before in {3, 6}
    assert in_order(received, sent)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_an_endpoint_does_each_alert_arrives_or_is_a_dead_letter(
    broker: MemoryBroker, receiver: Receiver, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    fill(broker, sent := some(20))
    poison = {one.id: chance.choice([400, 422, 500]) for one in chance.sample(sent, 3)}

    def judge(request: Request) -> Answer | None:
        if request.headers["webhook-id"] in poison:
            return Answer(poison[request.headers["webhook-id"]])
        away = [Answer(503), Answer(429), Answer(instead="drop")]
        return chance.choice(away) if chance.random() < 0.4 else Answer(204)

    receiver.judge = judge
    for at in range(chance.randrange(4), 0, -1):
        stream = Crashing(broker, at + 1, stored=chance.random() < 0.5, batch=chance.randrange(1, 9))
        with pytest.raises(InternalError, match="crash"):
            await deliver(broker, web(receiver), stream=stream)
    await deliver(broker, web(receiver))
    received = ids(receiver.accepted)
    assert set(received) == {one.id for one in sent} - set(poison)
    assert {letter["alert_id"] for letter in dead(broker)} == set(poison)
    assert in_order(received, sent)


async def test_a_stop_while_the_endpoint_hangs_ends_in_time_and_the_next_start_delivers(
    broker: MemoryBroker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DRAIN_SECONDS", 0.05)
    fill(broker, some(3))
    stop, receiver.always = Stop(), Answer(instead="hang")
    task = asyncio.create_task(deliver(broker, web(receiver), stop))
    await until(lambda: len(receiver.requests) == 1)
    stop.request("SIGTERM")
    async with asyncio.timeout(5):
        await task
    assert sum(committed(broker).values()) == 0

    receiver.always = Answer()
    await deliver(broker, web(receiver))
    assert sorted(ids(receiver.accepted)) == ["a0", "a1", "a2"]


async def test_a_stop_ends_the_waiting_for_an_endpoint_at_once(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(3))
    stop, receiver.always = Stop(), Answer(503, {"Retry-After": "3600"})
    task = asyncio.create_task(deliver(broker, web(receiver), stop, pauses=Pauses()))
    await until(lambda: len(receiver.requests) == 1)
    stop.request("SIGTERM")
    async with asyncio.timeout(2):
        told = await task
    assert len(told.of(events.DeliveryRetried)) == 1


async def test_a_stop_between_two_alerts_commits_what_has_arrived(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(6))
    stop = Stop()

    def judge(request: Request) -> None:
        if len(receiver.requests) == 2:
            stop.request("SIGTERM")

    receiver.judge = judge
    await deliver(broker, web(receiver), stop)
    assert len(receiver.accepted) == 2
    assert sum(committed(broker).values()) == 2


async def test_a_slow_endpoint_does_not_keep_the_group_waiting(
    broker: MemoryBroker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "STEP_SECONDS", 0.0)
    fill(broker, sent := some(5))
    seen: list[int] = []

    class Watched(MemoryStream):
        async def fetch(self) -> Fetched:
            seen.append(len(receiver.accepted))
            return await super().fetch()

    await deliver(broker, web(receiver), stream=Watched(broker, ["alerts"], "deliver-soc"))
    assert seen == [0, 0, 1, 2, 3, 4], "the group hears from its member after each alert"
    assert sorted(ids(receiver.accepted)) == [one.id for one in sent]


class Refusing(Sink):
    """A destination of its own kind: takes whole batches, but not with an alert of `error` inside."""

    name = "refusing"
    title = "takes batches"

    def __init__(self, error: RecordError) -> None:
        super().__init__(Destination("soc", ""), Native())
        self.error = error
        self.batches: list[list[str]] = []

    async def start(self) -> None:
        """Nothing to open."""

    async def deliver(self, alerts: Sequence[Alert]) -> None:
        self.batches.append([one.id for one in alerts])
        if "a3" in self.batches[-1]:
            self.batches.pop()
            raise self.error

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("error", [RecordError("refused", "no"), DeliveryFailed("failed", "HTTP 500")])
async def test_a_batch_with_a_refused_alert_is_taken_apart(broker: MemoryBroker, error: RecordError) -> None:
    sink = Refusing(error)
    fill(broker, [alert(id=f"a{at}", incident_id="i0") for at in range(6)], seal=False)
    broker.append(FIRST, b"not an alert")
    broker.seal("alerts")
    await deliver(broker, sink)
    assert [one for batch in sink.batches for one in batch] == ["a0", "a1", "a2", "a4", "a5"]
    assert [letter["reason"] for letter in dead(broker)] == [error.reason, "not_an_alert"]


async def test_dead_letters_are_written_before_their_place_is_committed(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(1))
    receiver.always = Answer(422)
    seen: list[int] = []

    class Watched(MemoryStream):
        async def commit(self, positions: Mapping[Partition, Position]) -> bool:
            seen.append(len(broker.logs[DEAD]))
            return await super().commit(positions)

    await deliver(broker, web(receiver), stream=Watched(broker, ["alerts"], "deliver-soc"))
    assert seen == [0, 1], "the place of a first start, then that of the dead letter"


async def test_a_broker_that_is_away_is_waited_for_and_said(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(3))
    health = Health()
    unready: list[str] = []

    class Flaky(MemoryStream):
        failures = 4

        async def fetch(self) -> Fetched:
            unready.append(health.unready())
            if self.failures:
                self.failures -= 1
                raise StreamUnavailable("no answer")
            return await super().fetch()

    told = await deliver(broker, web(receiver), stream=Flaky(broker, ["alerts"], "deliver-soc"), health=health)
    assert len(receiver.accepted) == 3
    assert len(told.of(events.StreamRetried)) == 4
    assert unready[:2] == ["starting", "fetch: waiting for the broker or the disk"]
    assert unready[-1] == ""


async def test_an_endpoint_that_is_away_leaves_the_process_ready_and_healthy(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(2))
    health, stop, receiver.always = Health(), Stop(), Answer(503)
    task = asyncio.create_task(deliver(broker, web(receiver), stop, health=health))
    await until(lambda: len(receiver.requests) > 3)
    assert (health.unready(), health.unhealthy()) == ("", "")
    stop.request("test")
    await task


class Moving(MemoryStream):
    """Another member joins at the second commit and leaves again: the partitions go away and come back."""

    commits = 0

    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        self.commits += 1
        if self.commits == 2:
            self._told = False
            return False
        return await super().commit(positions)


async def test_after_a_rebalance_it_goes_on_without_repeating_what_is_its_own(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, sent := some(8))
    await deliver(broker, web(receiver), stream=Moving(broker, ["alerts"], "deliver-soc", batch=3))
    assert sorted(ids(receiver.accepted)) == [one.id for one in sent]
    assert committed(broker) == {FIRST: 4, SECOND: 4}


@pytest.mark.parametrize(("start", "expected"), [("earliest", ["a0", "a1", "b0"]), ("latest", ["b0"])])
async def test_a_first_start_begins_where_it_is_told(
    broker: MemoryBroker, receiver: Receiver, start: str, expected: list[str]
) -> None:
    fill(broker, some(2), seal=False)
    stop = Stop()
    first = asyncio.create_task(deliver(broker, web(receiver), stop, start=start))
    await until(lambda: len(committed(broker)) == 2)
    stop.request("test")
    await first
    fill(broker, some(1, "b"))
    await deliver(broker, web(receiver), start=start)
    assert sorted(set(ids(receiver.accepted))) == expected


async def test_a_first_start_that_could_not_commit_keeps_its_beginning(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(2), seal=False)

    class Contested(MemoryStream):
        """Loses its partitions before its first commit; alerts arrive until it has them again."""

        refused = False

        async def commit(self, positions: Mapping[Partition, Position]) -> bool:
            if self.refused:
                return await super().commit(positions)
            self.refused, self._told = True, False
            fill(broker, some(3, "b"))
            return False

    await deliver(broker, web(receiver), stream=Contested(broker, ["alerts"], "deliver-soc"), start="latest")
    assert sorted(ids(receiver.accepted)) == ["b0", "b1", "b2"]


async def test_alerts_that_retention_took_are_told_and_end_this_sink_alone(
    broker: MemoryBroker, receiver: Receiver
) -> None:
    fill(broker, some(2))
    stop, told = Stop(), Told()

    class Shortened(MemoryStream):
        def _bounds(self, partition: Partition) -> Bounds:
            return Bounds(5, 9, Position(2))

    task = asyncio.create_task(
        deliver(broker, web(receiver), stop, told, stream=Shortened(broker, ["alerts"], "deliver-soc"))
    )
    await until(lambda: told.of(events.DeliverySuspended) != [])
    assert not task.done()
    stop.request("test")
    await task
    (suspended,) = told.of(events.DeliverySuspended)
    assert "3 unread records were deleted" in str(suspended)
    assert "rename the sink 'soc'" in str(suspended)
    assert receiver.requests == []


def test_pauses_grow_up_to_a_limit_and_respect_what_was_asked_up_to_another() -> None:
    pauses, away, failing = Pauses(), StreamUnavailable("away"), DeliveryFailed("failed", "HTTP 500")
    assert [pauses.after(away, attempt) for attempt in (1, 2, 3, 6, 1000)] == [0.2, 0.4, 0.8, 5.0, 5.0]
    assert [pauses.after(failing, attempt) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert pauses.after(StreamUnavailable("busy", retry_after=7.0), 1) == 7.0
    assert pauses.after(StreamUnavailable("busy", retry_after=86_400.0), 1) == 30.0


class Silent(MemoryWriter):
    """A broker that does not answer writes, three times."""

    failures = 3

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        if self.failures:
            self.failures -= 1
            raise StreamUnavailable("no answer")
        await super().write(records)


async def test_a_dead_letter_waits_for_the_broker_and_is_written_once(broker: MemoryBroker, receiver: Receiver) -> None:
    fill(broker, some(1))
    receiver.always = Answer(422)
    told = Told()
    async with web(receiver) as sink, MemoryStream(broker, ["alerts"], "deliver-soc") as stream:
        await Delivery(
            sink=sink, stream=stream, writer=Silent(broker), dead_letters="dead-letters", observe=told, health=Health()
        ).run(Stop())
    assert len(dead(broker)) == 1
    assert [event.operation for event in told.events if isinstance(event, events.StreamRetried)] == ["dead letter"] * 3
