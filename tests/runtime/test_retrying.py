from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.retrying import Retrying
from detector.runtime.signals import Stop
from detector.telemetry.events import Event, StreamRetried
from detector.telemetry.http import Health


class Broker:
    """Raises the errors it is given, one per call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def ask(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture
def told() -> list[Event]:
    return []


async def test_what_works_at_once_is_told_to_nobody(told: list[Event]) -> None:
    health = Health()
    health.ready()
    assert await Retrying(told.append, health)("write", Broker().ask) == "answer"
    assert (told, health.unready()) == ([], "")


async def test_every_failed_attempt_is_told_and_the_answer_comes_back(told: list[Event]) -> None:
    broker = Broker(StreamUnavailable("no answer"), StreamUnavailable("still none"))
    assert await Retrying(told.append, Health())("write", broker.ask) == "answer"
    assert told == [StreamRetried("write", 1, "no answer"), StreamRetried("write", 2, "still none")]


async def test_while_it_waits_the_probes_say_for_what(told: list[Event]) -> None:
    health = Health()
    health.ready()
    await Retrying(told.append, health)("commit", Broker(StreamUnavailable("no answer")).ask)
    assert health.unready() == "commit: waiting for the broker or the disk"


async def test_waiting_counts_as_a_step_of_a_healthy_process(told: list[Event]) -> None:
    now = 0.0

    def clock() -> float:
        return now

    health = Health(clock)

    class Slow(Broker):
        async def ask(self) -> str:
            nonlocal now
            now += 50.0
            return await super().ask()

    await Retrying(told.append, health)("fetch", Slow(*[StreamUnavailable("no answer")] * 5).ask)
    assert health.unhealthy() == ""


async def test_an_error_that_no_retry_heals_passes_at_once(told: list[Event]) -> None:
    broker = Broker(ConfigError("no such topic"))
    with pytest.raises(ConfigError, match="no such topic"):
        await Retrying(told.append, Health())("write", broker.ask)
    assert (broker.calls, told) == (1, [])


async def test_a_stop_ends_the_waiting_but_never_an_attempt(told: list[Event]) -> None:
    stop = Stop()

    class Stopped(Broker):
        async def ask(self) -> str:
            stop.request("SIGTERM")
            return await super().ask()

    gone, there = Stopped(*[StreamUnavailable("no answer")] * 9), Stopped()
    assert await Retrying(told.append, Health())("fetch", gone.ask, stop=stop) is None
    assert gone.calls == 1
    assert await Retrying(told.append, Health())("fetch", there.ask, stop=stop) == "answer"


async def test_without_a_stop_to_heed_it_never_gives_up(told: list[Event]) -> None:
    broker = Broker(*[StreamUnavailable("no answer")] * 40)
    assert await Retrying(told.append, Health())("write", broker.ask) == "answer"
    assert broker.calls == 41
