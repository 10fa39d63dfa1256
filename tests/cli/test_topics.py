"""`detector topics`: the command line; what it does to a broker is in tests/integration/test_topics.py."""

from __future__ import annotations

import inspect
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detector.cli import topics
from detector.errors import ConfigError, StreamUnavailable
from detector.runtime.topics import USES_DAYS, USES_PARTITIONS, Difference, wanted_topics
from detector.settings import Kafka


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(topics.command, arguments, catch_exceptions=False)


@pytest.mark.parametrize("arguments", [("plan",), ("apply",), ("check",), ("dump", "uses", "--out", "dump")])
def test_a_broker_that_does_not_answer_is_unavailable(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
    path = tmp_path / "c.yaml"
    path.write_text(f"kafka: {{bootstrap: '{address}'}}\n")

    with pytest.raises(StreamUnavailable, match=address):
        invoke(*arguments, "--config", str(path))


@pytest.mark.parametrize("verb", ["plan", "apply", "check"])
def test_settings_that_cannot_be_used_are_refused_before_a_broker_is_asked(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("kafka: {bootstrap: 'broker:9092', uses: alerts}\n")

    with pytest.raises(ConfigError, match=r"kafka\.uses: expected a topic of its own"):
        invoke(verb, "--config", str(path))


@pytest.mark.parametrize(
    "arguments", [("check", "--partitions", "0"), ("dump", "alerts", "--out", "x"), ("dump", "uses")]
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).exit_code == 2


def test_the_defaults_that_help_names_are_those_of_the_plan() -> None:
    shown = invoke("plan", "--help").stdout

    assert f"Partitions of uses: {USES_PARTITIONS} when it is made" in " ".join(shown.split())
    assert f"[default: {USES_DAYS};" in shown
    assert inspect.signature(wanted_topics).parameters["retention_days"].default == USES_DAYS


def test_tables_show_what_a_broker_says_without_obeying_it(capsys: pytest.CaptureFixture[str]) -> None:
    evil = Difference("uses", "cleanup.policy", "\x1b[31mdelete\u202e", "delete", "set", "[bold]why")

    topics._tell_differences([evil], "nothing")
    topics._table_of_topics(wanted_topics(Kafka(), 3))

    shown = capsys.readouterr().out
    assert "\\x1b[31mdelete\\u202e" in shown
    assert "[bold]why" in shown
    assert "\x1b" not in shown
    assert [line.split()[-1] for line in shown.splitlines()].count("min.insync.replicas=2") == 4


def test_nothing_to_tell_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    topics._tell_differences([], "all is as wanted")

    assert capsys.readouterr() == ("", "differences: all is as wanted\n")
