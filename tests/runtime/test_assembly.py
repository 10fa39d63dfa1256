"""The parts of `run` put together; with a broker it is tests/integration/test_run.py."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from detector.errors import ConfigError, DetectorError, StreamUnavailable, UsageError
from detector.runtime.assembly import running
from detector.settings import DeadLetterSettings, Http, Kafka, Settings, SourceSettings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def held_files() -> set[Path]:
    """Files this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own descriptor is gone by now
            found.add(descriptor.readlink())
    return found


def settings(folder: Path, port: int, **sections: object) -> Settings:
    parts: dict[str, object] = {
        "kafka": Kafka(bootstrap=f"127.0.0.1:{free_port()}"),
        "dead_letter": DeadLetterSettings(file=str(folder / "dead.ndjson")),
        "http": Http(port=port),
    }
    return Settings(**(parts | sections))  # type: ignore[arg-type]


async def test_a_start_that_fails_lets_go_of_what_it_had_started(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(StreamUnavailable):
        async with running(settings(tmp_path, port)):
            pass
    with socket.create_server(("127.0.0.1", port)):  # the probes no longer hold it
        pass
    dead = tmp_path / "dead.ndjson"
    assert dead.exists()
    assert dead not in held_files()


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        ({"kafka": Kafka(bootstrap="nowhere")}, ConfigError, "kafka.bootstrap"),
        ({"http": Http(host="0.0.0.0")}, ConfigError, "http.host"),  # noqa: S104 - it must be refused
        ({"bundle": "no-such-bundle"}, ConfigError, "no-such-bundle"),
        ({"source": SourceSettings(format="no-such-format")}, UsageError, "no-such-format"),
        ({"dead_letter": DeadLetterSettings(file="/no-such-folder/dead.ndjson")}, ConfigError, "dead_letter.file"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named_before_the_broker_is_asked(
    tmp_path: Path, sections: dict[str, object], error: type[DetectorError], said: str
) -> None:
    with pytest.raises(error, match=said):
        async with running(settings(tmp_path, 0, **sections)):
            pass
