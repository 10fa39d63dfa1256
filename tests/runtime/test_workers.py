"""Several workers as processes of their own. What they are given here ends them before they reach a broker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.runtime.signals import Stop
from detector.runtime.workers import run_workers

SECONDS = 60.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A broker that is connected to and says nothing: a worker waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def config(folder: Path, text: str) -> list[str]:
    path = folder / "run.yaml"
    path.write_text(text)
    return ["--config", str(path)]


def waiting_for(server: socket.socket, folder: Path, port: int = 0) -> list[str]:
    broker = f"127.0.0.1:{server.getsockname()[1]}"
    return config(folder, f"kafka: {{bootstrap: '{broker}', raw: {{raw: {{}}}}}}\nhttp: {{port: {port}}}\n")


async def run(count: int, arguments: list[str], stop: Stop | None = None) -> int:
    async with asyncio.timeout(SECONDS):
        return await run_workers(count, arguments, stop or Stop())


def children() -> set[int]:
    """Processes that this one has started and that have not ended, as the system lists them."""
    listed = (Path(f"/proc/self/task/{thread.name}/children") for thread in Path("/proc/self/task").iterdir())
    return {int(word) for path in listed for word in path.read_text().split()}


async def callers(server: socket.socket, count: int) -> list[socket.socket]:
    """Connections of so many workers."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(SECONDS):
        return [(await loop.sock_accept(server))[0] for _ in range(count)]


async def test_the_exit_code_of_a_worker_that_fails_is_that_of_all(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await run(2, config(tmp_path, "kafka: {no_such_key: 1}\n")) == 3
    assert "run.yaml:1:9: kafka.no_such_key is no setting" in capfd.readouterr().err


async def test_each_worker_knows_which_it_is(
    tmp_path: Path, silent: socket.socket, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = waiting_for(silent, tmp_path, port=65_535)  # there is a port for worker 0, which waits, and no other
    assert await run(2, arguments) == 3
    assert "http.port: expected 65534 or less, since worker 1 answers on port + 1" in capfd.readouterr().err


async def test_a_stop_ends_every_worker(tmp_path: Path, silent: socket.socket) -> None:
    stop = Stop()
    running = asyncio.create_task(run(2, waiting_for(silent, tmp_path), stop))
    connections = await callers(silent, 2)
    stop.request("SIGTERM")
    assert await running == 0
    for connection in connections:
        connection.close()


async def test_one_worker_that_is_killed_ends_the_others_and_is_told_by_its_signal(
    tmp_path: Path, silent: socket.socket
) -> None:
    others = children()
    running = asyncio.create_task(run(2, waiting_for(silent, tmp_path)))
    connections = await callers(silent, 2)
    victim, _ = children() - others
    os.kill(victim, signal.SIGKILL)
    assert await running == 128 + signal.SIGKILL
    assert children() <= others
    for connection in connections:
        connection.close()


async def test_a_worker_that_does_not_drain_is_ended(
    tmp_path: Path, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.runtime.workers.GRACE_SECONDS", 0.1)
    others, stop = children(), Stop()
    running = asyncio.create_task(run(1, waiting_for(silent, tmp_path), stop))
    connections = await callers(silent, 1)
    (stuck,) = children() - others
    os.kill(stuck, signal.SIGSTOP)
    stop.request("SIGTERM")
    assert await running == 128 + signal.SIGKILL
    assert children() <= others
    for connection in connections:
        connection.close()
