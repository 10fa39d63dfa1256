"""The command line as a whole: help, exit codes, and how errors are told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from detector import cli
from detector.errors import ConfigError, DetectorError, InputError, InternalError, StreamUnavailable, UsageError

COMMANDS = {path.stem.replace("_", "-") for path in Path(cli.__file__).parent.glob("[a-z]*.py")} - {
    "terminal",
    "timeline",
}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detector", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **env},
    )


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Every command line ends in `error`, as if a command had raised it."""

    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(cli, "root", command)


def test_help_lists_every_command_file_with_its_summary() -> None:
    shown = run("--help").stdout

    assert {"config", "detections", "explain", "scan"} <= COMMANDS
    for name in COMMANDS:
        (line,) = [line for line in shown.splitlines() if line.strip().startswith(f"{name} ")]
        assert len(line.split()) > 2


def test_help_and_version_import_no_command_and_so_answer_at_once() -> None:
    script = (
        "import sys; from detector.cli import invoke; code = invoke(['--help']);"
        "heavy = {'numpy', 'rich', 'aiokafka', 'aiohttp', 'jsonschema', 'sklearn'} & set(sys.modules);"
        "sys.exit(code or len(heavy))"
    )
    fastest = 9.0
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        fastest = min(fastest, time.perf_counter() - started)
        assert done.returncode == 0

    assert fastest < 1.0  # a tenth on an idle machine; the bound leaves room for a busy one


def test_a_second_command_line_in_one_process_works(capsys: pytest.CaptureFixture[str]) -> None:
    for name in [*sorted(COMMANDS), *sorted(COMMANDS)]:
        assert cli.invoke([name, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: detector {name} ")


def test_no_command_file_hides_a_name_of_the_command_line() -> None:
    """Importing `cli/run.py` binds `run` in `detector.cli`: what is called there must have another name."""
    functions = {name for name, value in vars(cli).items() if getattr(value, "__module__", None) == cli.__name__}

    assert "invoke" in functions
    assert not functions & {name.replace("-", "_") for name in COMMANDS}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_its_options(name: str) -> None:
    shown = run(name, "--help")

    assert shown.returncode == 0
    assert shown.stdout.startswith(f"Usage: detector {name} ")


@pytest.mark.parametrize("arguments", [["no-such-command"], ["config", "no-such"], ["config", "show", "--no-such"]])
def test_a_command_line_that_does_not_exist_is_a_usage_error(arguments: list[str]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error: No such" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such thing"), 2),
        (ConfigError(["a.yaml:1:1: bad", "a.yaml:2:1: worse"]), 3),
        (InputError("x.json: missing"), 5),
        (StreamUnavailable("localhost:1 does not answer"), 5),
        (click.UsageError("which?"), 2),
        (click.FileError("x", "no"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (InternalError("broken"), 70),
        (DetectorError("unclassified"), 70),
        (ZeroDivisionError("1/0"), 70),
    ],
)
def test_an_error_becomes_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    failing(monkeypatch, error)

    assert cli.invoke([]) == code

    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert ("this is a defect of the detector" in said.err) == (code == 70)


def test_every_problem_of_a_settings_file_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, ConfigError(["a.yaml:1:1: bad", "a.yaml:2:1: \x1b[31mworse"]))

    cli.invoke([])

    assert capsys.readouterr().err == "detector: a.yaml:1:1: bad\na.yaml:2:1: \\x1b[31mworse\n"


def test_a_defect_shows_where_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, ZeroDivisionError("1/0"))
    monkeypatch.setenv("DETECTOR_DEBUG", "1")

    assert cli.invoke([]) == 70
    assert "ZeroDivisionError: 1/0" in capsys.readouterr().err.splitlines()[-1]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"'{sys.executable}' -m detector config schema; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | true"], capture_output=True, text=True, check=False)

    assert done.stderr.strip() == "0"
