"""The parts of `run` put together, as far as that needs no broker; with one it is tests/integration/test_run.py."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.assembly import ROLES, RoleName, running
from detector.settings import Http, Kafka, RawTopic, Settings, SinkSettings


def free_ports(count: int = 1) -> int:
    """The first of so many free ports in a row, below those that the system gives to whoever asks for any."""
    for first in range(20_000 + os.getpid() % 1_000 * 10, 32_000, count):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError("no free ports")


def settings(**sections: object) -> Settings:
    """Settings of a broker that nobody is, on a free port."""
    nobody = Kafka(bootstrap=f"127.0.0.1:{free_ports()}", raw={"raw": RawTopic()})
    parts: dict[str, object] = {"kafka": nobody, "http": Http(port=0)}
    return Settings(**(parts | sections))  # type: ignore[arg-type]


async def start(said: Settings, roles: Sequence[RoleName] = ("ingest", "detect"), number: int = 0) -> None:
    async with running(said, roles, f"host-{number}", number):
        raise AssertionError("it started without a broker")


@pytest.mark.parametrize("role", ROLES)
async def test_a_broker_that_does_not_answer_is_not_waited_for(tmp_path: Path, role: RoleName) -> None:
    archive = SinkSettings(type="ndjson_file", target=str(tmp_path / "alerts.ndjson"))
    said = settings(sinks={"archive": archive})
    with pytest.raises(StreamUnavailable, match=said.kafka.bootstrap):
        await start(said, [role])


@pytest.mark.parametrize("number", [0, 2])
async def test_a_start_that_fails_lets_go_of_what_it_had_started(number: int) -> None:
    port = free_ports(3)
    with pytest.raises(StreamUnavailable):
        await start(settings(http=Http(port=port)), number=number)
    with socket.create_server(("127.0.0.1", port + number)):  # the probes no longer hold it
        pass


async def test_each_worker_answers_probes_on_a_port_of_its_own() -> None:
    first = free_ports(2)
    with socket.create_server(("127.0.0.1", first)), pytest.raises(StreamUnavailable):  # worker 0 is there
        await start(settings(http=Http(port=first)), number=1)
    with socket.create_server(("127.0.0.1", first)), pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{first}"):
        await start(settings(http=Http(port=first)), number=0)


async def test_a_port_that_leaves_no_room_for_all_workers_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"http\.port: expected 65533 or less, .* worker 2 .* found 65534"):
        await start(settings(http=Http(port=65534)), number=2)


@pytest.mark.parametrize(
    ("sections", "roles", "said"),
    [
        ({"kafka": Kafka(bootstrap="nowhere")}, ["detect"], r"kafka\.bootstrap"),
        ({"kafka": Kafka(bootstrap="127.0.0.1:1")}, ["ingest"], r"kafka\.raw: expected at least one topic"),
        ({"http": Http(host="0.0.0.0")}, ["detect"], r"http\.host"),  # noqa: S104 - it must be refused
        ({"bundle": "no-such-bundle"}, ["detect"], "no-such-bundle"),
        ({}, ["deliver"], r"sinks: expected at least one destination for the role deliver, found none"),
        (
            {"sinks": {"a": SinkSettings(type="ndjson_file", target="/no-such-folder/alerts.ndjson")}},
            ["deliver"],
            "/no-such-folder",
        ),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named_before_the_broker_is_asked(
    sections: dict[str, object], roles: list[RoleName], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        await start(settings(**sections), roles)
