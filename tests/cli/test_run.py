"""What `detector run` says when it cannot run; running is in tests/integration/test_run.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.stream.kafka import ANSWER_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detector", "run", *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def config(folder: Path, text: str = "") -> str:
    (folder / "run.yaml").write_text(f"http: {{port: 0}}\n{text}")
    return "run.yaml"


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


def test_a_broker_that_does_not_answer_is_one_line_and_exit_code_5(tmp_path: Path) -> None:
    nobody = free_address()
    done = run(tmp_path, "--config", config(tmp_path), "--bootstrap", nobody)
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1, done.stderr
    assert nobody in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_for_its_broker_is_given_up_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-m", "detector", "run", "--config", config(tmp_path), "--bootstrap", address],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            connection, _ = silent.accept()  # it is answered, and then nothing is said
            with connection:
                asked = time.monotonic()
                process.send_signal(number)
                _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert time.monotonic() - asked < ANSWER_SECONDS / 2
    assert said == f"detector: {number.name} before the broker answered; nothing was read\n"


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


def test_a_settings_file_with_an_unknown_key_is_exit_code_3_with_its_place(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", config(tmp_path, "kafka: {topic: raw}\n"))
    assert done.returncode == 3
    assert "run.yaml:2:" in done.stderr


def test_help_says_what_is_read_and_written(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "kafka.raw_topic" in done.stdout
    assert "kafka.alerts_topic" in done.stdout
