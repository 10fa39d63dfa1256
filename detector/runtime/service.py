"""`run`: the roles of one worker side by side in one event loop, until asked to stop.

Each role fetches, works, writes and commits by itself. The work on records is done in threads, so that the loop stays
free for heartbeats and probes; how late it wakes is measured. When one role fails, the others end too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from detector.errors import DetectorError, StreamUnavailable
from detector.runtime.signals import Stop
from detector.telemetry.events import LoopLagMeasured, Observer, Stopped, Stopping
from detector.telemetry.http import Healths

DRAIN_SECONDS: Final = 6.0  # closing the connections comes after it; together they stay within ten seconds
LOOP_SECONDS: Final = 0.5


class Role(Protocol):
    """ingest, detect, or deliver to one sink."""

    async def run(self, stop: Stop) -> None:
        """Work until `stop` is requested or everything is read. Raises the DetectorError that ended it."""


class Service:
    """One worker: `roles` by name. Their streams and writers are started by the owner and closed by it."""

    def __init__(self, roles: Mapping[str, Role], observe: Observer, health: Healths) -> None:
        self._roles = roles
        self._observe = observe
        self._health = health

    async def run(self, stop: Stop) -> None:
        """Run the roles until `stop` is requested or all have read everything, then drain.

        Raises the DetectorError that ended one of them; StreamUnavailable when a requested stop is not done in
        `DRAIN_SECONDS` (what was not committed is repeated by the next start).
        """
        try:
            async with asyncio.TaskGroup() as group:
                aside = [
                    group.create_task(_measure_loop(self._observe), name="loop lag"),
                    group.create_task(_limit_drain(stop, self._observe), name="drain limit"),
                ]
                working = [
                    group.create_task(self._work(name, role, stop), name=name) for name, role in self._roles.items()
                ]
                await asyncio.wait(working)
                stop.request("end of stream")
                for task in aside:
                    task.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from failures
        self._observe(Stopped(stop.reason))

    async def _work(self, name: str, role: Role, stop: Stop) -> None:
        await role.run(stop)
        self._health.of(name).not_ready("stopped")


async def _measure_loop(observe: Observer) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_SECONDS
        await asyncio.sleep(LOOP_SECONDS)
        observe(LoopLagMeasured(max(0.0, loop.time() - due)))


async def _limit_drain(stop: Stop, observe: Observer) -> None:
    await stop.wait()
    observe(Stopping(stop.reason))
    await asyncio.sleep(DRAIN_SECONDS)
    raise StreamUnavailable(
        f"stop: expected the last batch delivered within {DRAIN_SECONDS:.0f} s, found the broker not answering; "
        "nothing is lost: the next start repeats it with the same ids"
    )


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of ours in a group of failures; else the first of them: a defect."""
    ours, _ = failures.split(DetectorError)
    chosen: BaseException = ours or failures
    while isinstance(chosen, BaseExceptionGroup):
        chosen = chosen.exceptions[0]
    return chosen
