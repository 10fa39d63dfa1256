from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.service import Role, Service
from detector.runtime.signals import Stop
from detector.telemetry import events
from detector.telemetry.http import Healths

SECONDS = 10.0  # more than anything here takes


class Doing:
    """A role that does what it is given; `ended` says how it came out."""

    def __init__(self, work: Callable[[Stop], Awaitable[object]]) -> None:
        self._work = work
        self.ended = ""

    async def run(self, stop: Stop) -> None:
        try:
            await self._work(stop)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"


async def until_asked(stop: Stop) -> None:
    await stop.wait()


async def for_ever(_: Stop) -> None:
    await asyncio.Event().wait()


async def nothing(_: Stop) -> None:
    return


def failing(error: Exception) -> Doing:
    async def work(_: Stop) -> None:
        raise error

    return Doing(work)


async def serve(stop: Stop, health: Healths | None = None, *, ingest: Role, detect: Role) -> list[events.Event]:
    told: list[events.Event] = []
    async with asyncio.timeout(SECONDS):
        await Service({"ingest": ingest, "detect": detect}, told.append, health or Healths()).run(stop)
    return told


async def test_roles_run_side_by_side() -> None:
    here, there = asyncio.Event(), asyncio.Event()

    async def first(_: Stop) -> None:
        here.set()
        await there.wait()

    async def second(_: Stop) -> None:
        there.set()
        await here.wait()

    one, other = Doing(first), Doing(second)
    await serve(Stop(), ingest=one, detect=other)
    assert (one.ended, other.ended) == ("done", "done")


async def test_it_ends_when_every_role_has_read_everything() -> None:
    stop = Stop()
    told = await serve(stop, ingest=Doing(nothing), detect=Doing(nothing))
    assert told == [events.Stopped("end of stream")]


async def test_a_role_that_is_done_leaves_the_others_working() -> None:
    stop, health = Stop(), Healths()
    for name in ("ingest", "detect"):
        health.of(name).ready()

    async def look(_: Stop) -> None:
        for _turn in range(10):
            await asyncio.sleep(0)
        assert health.unready() == "ingest: stopped"
        assert not stop.requested

    other = Doing(look)
    await serve(stop, health, ingest=Doing(nothing), detect=other)
    assert other.ended == "done"
    assert health.unready() == "ingest: stopped; detect: stopped"


async def test_a_requested_stop_is_told_and_waits_until_every_role_has_drained() -> None:
    stop, drained = Stop(), []

    async def drain(stop: Stop) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        drained.append(stop.reason)

    asyncio.get_running_loop().call_soon(stop.request, "SIGTERM")
    told = await serve(stop, ingest=Doing(drain), detect=Doing(drain))
    assert drained == ["SIGTERM", "SIGTERM"]
    assert told == [events.Stopping("SIGTERM"), events.Stopped("SIGTERM")]


@pytest.mark.parametrize("error", [ConfigError("no such topic"), StreamUnavailable("no answer"), ValueError("defect")])
async def test_a_role_that_fails_ends_the_others_and_its_own_error_comes_out(error: Exception) -> None:
    patient = Doing(for_ever)
    with pytest.raises(type(error)) as raised:
        await serve(Stop(), ingest=patient, detect=failing(error))
    assert raised.value is error
    assert patient.ended == "cancelled"


async def test_of_several_errors_one_of_ours_comes_out_before_a_defect() -> None:
    error = ConfigError("no such topic")

    async def failing_while_it_ends(_: Stop) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("defect")

    one, other = failing(error), Doing(failing_while_it_ends)
    for ingest, detect in ((one, other), (other, one)):
        with pytest.raises(ConfigError) as raised:
            await serve(Stop(), ingest=ingest, detect=detect)
        assert raised.value is error


async def test_a_drain_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.runtime.service.DRAIN_SECONDS", 0.01)
    stop, stuck = Stop(), Doing(for_ever)
    stop.request("SIGTERM")
    with pytest.raises(StreamUnavailable, match="nothing is lost: the next start repeats it with the same ids"):
        await serve(stop, ingest=stuck, detect=Doing(until_asked))
    assert stuck.ended == "cancelled"


async def test_time_limits_only_the_drain_and_not_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.runtime.service.DRAIN_SECONDS", 0.0)

    async def work(_: Stop) -> None:
        for _turn in range(100):
            await asyncio.sleep(0)

    told = await serve(Stop(), ingest=Doing(work), detect=Doing(nothing))
    assert told == [events.Stopped("end of stream")]


async def test_whoever_cancels_it_cancels_its_roles() -> None:
    started = asyncio.Event()

    async def work(stop: Stop) -> None:
        started.set()
        await for_ever(stop)

    role = Doing(work)
    task = asyncio.create_task(serve(Stop(), ingest=role, detect=Doing(nothing)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert role.ended == "cancelled"


async def test_how_late_the_loop_wakes_a_sleeper_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.runtime.service.LOOP_SECONDS", 0.001)
    told: list[events.Event] = []
    stop = Stop()

    def observe(event: events.Event) -> None:
        told.append(event)
        if len(told) == 3:
            stop.request("test")

    async with asyncio.timeout(SECONDS):
        await Service({"ingest": Doing(until_asked)}, observe, Healths()).run(stop)
    lags = [event.seconds for event in told if isinstance(event, events.LoopLagMeasured)]
    assert len(lags) >= 3
    assert all(0 <= lag < SECONDS for lag in lags)
