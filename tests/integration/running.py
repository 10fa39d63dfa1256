"""`detector run` as a process of its own, and what surrounds it: the topics, the settings, what it committed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from detector.alert import Alert, decode
from tests.integration.broker import ROOT, Cluster

SECONDS = 60.0


@dataclass
class Workplace:
    """One raw topic, one alerts topic, one group and one settings file on a cluster."""

    cluster: Cluster
    raw: str
    alerts: str
    folder: Path
    partitions: int = 1

    @property
    def group(self) -> str:
        return f"group-{self.raw}"

    @property
    def dead_letters(self) -> Path:
        return self.folder / "dead.ndjson"

    @property
    def config(self) -> Path:
        path = self.folder / "run.yaml"
        path.write_text(
            f"kafka: {{bootstrap: '{self.cluster.bootstrap}', raw_topic: '{self.raw}', alerts_topic: '{self.alerts}', "
            f"group: '{self.group}'}}\n"
            f"dead_letter: {{file: '{self.dead_letters}'}}\n"
            "http: {port: 0}\n"
        )
        return path

    def fill(self, values: Sequence[bytes], partition: int = 0) -> None:
        """Append records to the raw topic, in order."""
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap, "acks": "all", "linger.ms": 5})
        for value in values:
            producer.produce(self.raw, value, partition=partition)
            producer.poll(0)
        assert producer.flush(30) == 0

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )

    def committed(self) -> int:
        """Next offset to read, over all partitions; 0 where nothing is committed."""
        consumer = self._consumer(self.group)
        try:
            asked = [TopicPartition(self.raw, number) for number in range(self.partitions)]
            return sum(max(0, at.offset) for at in consumer.committed(asked, timeout=20))
        finally:
            consumer.close()

    async def until_committed(self, count: int) -> None:
        """Wait for the commit of `count` records."""
        async with asyncio.timeout(SECONDS):
            while await asyncio.to_thread(self.committed) < count:  # noqa: ASYNC110 - another process commits
                await asyncio.sleep(0.1)

    def written(self) -> list[tuple[Alert, bytes, dict[str, str]]]:
        """Every record of the alerts topic: the alert, its key, its headers."""
        consumer = self._consumer(f"{self.group}-reader")
        try:
            _, end = consumer.get_watermark_offsets(TopicPartition(self.alerts, 0), timeout=20)
            consumer.assign([TopicPartition(self.alerts, 0, 0)])
            found: list[tuple[Alert, bytes, dict[str, str]]] = []
            while len(found) < end:
                message = consumer.poll(20)
                assert message is not None, f"expected {end} alerts, found {len(found)}"
                assert message.error() is None
                headers = {name: _text(value) for name, value in dict(message.headers() or []).items()}
                found.append((decode(message.value() or b""), message.key() or b"", headers))
            return found
        finally:
            consumer.close()


@dataclass
class Running:
    """The process and the log lines it has written so far."""

    process: Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def line(self, event: str) -> dict[str, Any]:
        """The next log line of this name; fails when the process ends or is silent."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while raw := await self.process.stderr.readline():
                self.lines.append(json.loads(raw))
                if self.lines[-1]["event"] == event:
                    return self.lines[-1]
        raise AssertionError(f"ended before {event!r}; it said: {self.lines}")

    async def terminated(self) -> int:
        """SIGTERM; the exit code and the rest of the lines."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def killed(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        self.process.kill()
        await self.ended()

    async def ended(self) -> int:
        """Wait for the end."""
        async with asyncio.timeout(SECONDS):
            _, rest = await self.process.communicate()
        self.lines += [json.loads(line) for line in rest.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[Running]:
    """`python -m detector run --config FILE`, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "detector", "run", "--config", str(config),
        cwd=config.parent, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
