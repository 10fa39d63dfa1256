"""`detector run` as processes of their own: what they say, what their probes answer, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.broker import ROOT
from tests.integration.deployment import SECONDS, At, Deployment, until

CHUNK = 200  # records


@dataclass
class Running:
    """A process, its log lines so far, and what else it has said on stderr."""

    process: Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self._reader = asyncio.create_task(self._read(), name="stderr")

    def told(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this name so far."""
        return [line for line in self.lines if line["event"] == event]

    async def line(self, event: str, number: int = 1, seconds: float = SECONDS) -> dict[str, Any]:
        """The n-th log line of this name; fails when the process ends or is silent."""
        async with asyncio.timeout(seconds):
            while len(found := self.told(event)) < number:
                self._more.clear()
                if self._reader.done():
                    raise AssertionError(f"ended before {event!r}; it said: {self.lines} {self.said}")
                await self._more.wait()
        return found[number - 1]

    def owned(self, group: str) -> set[At]:
        """The partitions of a group that are its own, as it was told last."""
        last = next((line for line in reversed(self.told("rebalanced")) if line["group"] == group), None)
        return {(topic, number) for topic, numbers in (last or {"partitions": {}})["partitions"].items()
                for number in numbers}  # fmt: skip

    @property
    def url(self) -> str:
        """Where its probes answer, once it has said so."""
        found: str = self.told("started")[0]["url"]
        return found

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as response:
            return response.status, await response.text()

    async def metric(self, name: str) -> float:
        """The sum of all series of a metric."""
        _, page = await self.get("/metrics")
        return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)))

    async def measures(self, series: str) -> None:
        """Wait until a series is on the page of metrics; some are told once a second."""
        async with asyncio.timeout(SECONDS):
            while series not in (await self.get("/metrics"))[1]:  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.1)

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.process.pid)]))

    async def terminated(self) -> int:
        """SIGTERM; the exit code, once everything is said."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def killed(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        self.process.kill()
        await self.ended()

    async def ended(self, seconds: float = SECONDS) -> int:
        """The exit code, once it has ended."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self._reader
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while raw := await self.process.stderr.readline():
            if raw.startswith(b"{"):
                self.lines.append(json.loads(raw))
            else:
                self.said.append(raw.decode())
            self._more.set()
        self._more.set()


@asynccontextmanager
async def running(config: Path, *arguments: str) -> AsyncIterator[Running]:
    """`python -m detector run --config FILE …`, ended when the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "detector", "run", "--config", str(config), *arguments,
        cwd=config.parent, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    run = Running(process)
    try:
        yield run
    except BaseException as error:
        error.add_note(f"run {' '.join(arguments)} said: {run.lines[-30:]} {run.said}")
        raise
    finally:
        if process.returncode is None:
            for pid in [*workers(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await run.ended()


async def balanced(group: str, *runs: Running) -> None:
    """Wait until each of these processes has partitions of a group, and no two have the same."""

    def is_balanced() -> bool:
        owned = [run.owned(group) for run in runs]
        return all(owned) and len(set().union(*owned)) == sum(map(len, owned))

    await until(is_balanced, f"{len(runs)} members of {group} to share its partitions")


async def terminated(*runs: Running) -> list[int]:
    """SIGTERM to each of these processes; their exit codes."""
    return await asyncio.gather(*(run.terminated() for run in runs))


async def in_step(
    deployment: Deployment, records: Sequence[tuple[str, int, bytes]], ingest: Sequence[Running], chunk: int = CHUNK
) -> None:
    """Append (topic, partition, value) in order, `chunk` at a time, each time waiting until ingest has written them.

    So rows of two raw partitions that two workers read arrive in uses at most that many records out of order, as they
    do when workers keep up with their logs. The partitions of ingest must not move meanwhile.
    """
    before = sum([await run.metric("detector_events_total") for run in ingest])
    for at in range(0, len(records), chunk):
        await asyncio.to_thread(deployment.append, records[at : at + chunk])
        there = before + min(at + chunk, len(records))
        async with asyncio.timeout(SECONDS):
            while sum([await run.metric("detector_events_total") for run in ingest]) < there:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def workers(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]
