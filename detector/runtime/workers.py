"""Several workers of `run`, each a process of its own: one interpreter uses one core.

The parent only starts, asks to stop and waits. When one worker ends, for whatever reason, the others are asked to end
too: whoever supervises the parent sees one failure and starts all of them again, with the same names.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import Final

from detector.runtime.signals import Stop

GRACE_SECONDS: Final = 15.0  # a worker's own drain is shorter


async def run_workers(count: int, arguments: Sequence[str], stop: Stop) -> int:
    """Run `count` workers with these arguments of `detector run`; the exit code of the first that failed, else 0."""
    workers: list[Process] = []
    ends: list[asyncio.Task[int]] = []
    asked = asyncio.create_task(stop.wait())
    try:
        for number in range(count):
            command = (sys.executable, "-m", "detector", "run", *arguments, "--worker", str(number))
            workers.append(await asyncio.create_subprocess_exec(*command, start_new_session=True))
            ends.append(asyncio.create_task(workers[-1].wait(), name=f"worker {number}"))
        await asyncio.wait([*ends, asked], return_when=asyncio.FIRST_COMPLETED)
        codes = [end.result() for end in ends if end.done()]
    finally:
        asked.cancel()
        await _end(workers, ends)
    codes += [end.result() for end in ends]
    return next((code if code > 0 else 128 - code for code in codes if code), 0)


async def _end(workers: Sequence[Process], ends: Sequence[asyncio.Task[int]]) -> None:
    """Ask every worker that still runs to drain; end those that do not."""
    if not workers:
        return
    _tell(workers, signal.SIGTERM)
    await asyncio.wait(ends, timeout=GRACE_SECONDS)
    _tell(workers, signal.SIGKILL)
    await asyncio.wait(ends)


def _tell(workers: Sequence[Process], number: signal.Signals) -> None:
    for worker in workers:
        if worker.returncode is None:
            worker.send_signal(number)
