"""What `detector run` says when it cannot run; running is in tests/integration/test_run.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from detector.cli.run import _arguments, _named_roles, command
from detector.runtime.assembly import ROLES
from detector.stream.kafka.connection import ANSWER_SECONDS

ROOT = Path(__file__).resolve().parents[2]
RAW = "kafka: {raw: {raw: {}}}\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detector", "run", *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def config(folder: Path, text: str = RAW) -> str:
    (folder / "run.yaml").write_text(f"http: {{port: 0}}\n{text}")
    return "run.yaml"


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


# --- the command line ------------------------------------------------------------------------------------------------


def named(value: str | None) -> tuple[str, ...] | None:
    return _named_roles(click.Context(command), command.params[0], value)


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        (None, None),
        ("ingest", ("ingest",)),
        ("detect,ingest", ("detect", "ingest")),
        (" ingest , deliver ", ("ingest", "deliver")),
        ("detect,detect", ("detect",)),
        (",".join(ROLES), ROLES),
    ],
)
def test_roles_are_words_between_commas_each_once(value: str | None, roles: tuple[str, ...] | None) -> None:
    assert named(value) == roles


@pytest.mark.parametrize("value", ["", ",", "ingest,", "ingest,respond", "ingest detect", "Ingest"])
def test_a_word_that_is_no_role_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(click.BadParameter, match="expected some of ingest,detect,deliver, found"):
        named(value)


def test_a_command_line_that_is_wrong_is_exit_code_2(tmp_path: Path) -> None:
    for arguments in (["--roles", "respond"], ["--workers", "0"], ["--workers", "257"], ["--worker", "one"]):
        done = run(tmp_path, *arguments)
        assert done.returncode == 2, arguments
        assert arguments[0] in done.stderr


def test_help_says_what_each_role_reads_and_writes_and_hides_what_is_for_the_parent(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for words in ("raw topics -> uses", "uses -> alerts", "alerts -> each of"):
        assert words in done.stdout
    assert "--workers" in done.stdout
    assert "--worker " not in done.stdout


def test_a_worker_gets_the_command_line_of_its_parent_and_nothing_that_was_not_said() -> None:
    assert _arguments(None, None, None, None) == []
    assert _arguments(Path("a folder/run.yaml"), "b:1,c:2", ("ingest", "detect"), "blue") == [
        "--config", "a folder/run.yaml", "--bootstrap", "b:1,c:2", "--roles", "ingest,detect", "--name", "blue",
    ]  # fmt: skip


def test_every_option_that_is_for_all_workers_is_handed_on() -> None:
    handed = {word for word in _arguments(Path("x"), "b:1", ("ingest",), "blue") if word.startswith("--")}
    options = {option.opts[0] for option in command.params}
    assert options - {"--workers", "--worker", "--help"} == handed


# --- what cannot be run ----------------------------------------------------------------------------------------------


def test_a_broker_that_does_not_answer_is_one_line_and_exit_code_5(tmp_path: Path) -> None:
    nobody = free_address()
    done = run(tmp_path, "--config", config(tmp_path), "--bootstrap", nobody)
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1, done.stderr
    assert nobody in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_for_its_broker_is_given_up_at_once(
    tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        words = ["--config", config(tmp_path), "--bootstrap", address, "--workers", str(workers)]
        with subprocess.Popen(
            [sys.executable, "-m", "detector", "run", *words],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            connections = [silent.accept()[0] for _ in range(workers)]  # answered, and then nothing is said
            asked = time.monotonic()
            process.send_signal(number)
            _, said = process.communicate(timeout=30)
        for connection in connections:
            connection.close()
    assert process.returncode == 0
    assert time.monotonic() - asked < ANSWER_SECONDS / 2
    told = "SIGTERM" if workers > 1 else number.name  # the parent asks its workers in its own words
    assert said == f"detector: {told} before the broker answered; nothing was read\n" * workers


def test_an_address_that_is_none_is_exit_code_3(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", config(tmp_path), "--bootstrap", "nowhere")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1, done.stderr
    assert "kafka.bootstrap" in done.stderr


def test_pages_open_to_the_network_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("http: {host: 0.0.0.0, port: 0}\n")
    done = run(tmp_path, "--config", "run.yaml")
    assert done.returncode == 3
    assert "http.host" in done.stderr


def test_settings_without_a_topic_to_read_are_exit_code_3_with_what_to_write(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", config(tmp_path, ""))
    assert done.returncode == 3
    assert "kafka.raw" in done.stderr
    assert "{cloudtrail: {source: cloudtrail}}" in done.stderr


def test_deliver_without_a_destination_is_exit_code_3(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", config(tmp_path), "--roles", "deliver")
    assert done.returncode == 3
    assert "sinks: expected at least one destination" in done.stderr


def test_a_settings_file_with_an_unknown_key_is_exit_code_3_with_its_place(tmp_path: Path) -> None:
    for workers in ("1", "4"):
        done = run(tmp_path, "--config", config(tmp_path, "kafka: {topic: raw}\n"), "--workers", workers)
        assert done.returncode == 3
        assert done.stderr.count("run.yaml:2:") == 1, "it is found before a worker is started"
