"""`detector feedback`: what is refused before a broker is asked; tests/integration/test_topics.py looks at the rest."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detector.cli.feedback import command, feedback
from detector.control import Feedback, decode, encode, key
from detector.errors import StreamUnavailable, UsageError
from detector.fingerprint.hashing import short_id

INCIDENT = short_id("realm", "principal", "event", 0)
NOW = datetime(2026, 11, 23, 4, 5, 6, 789_000, UTC)
TOKEN = "gh" + "p_" + "a" * 36


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_verdict_is_a_control_record_keyed_by_its_incident() -> None:
    record = feedback("benign", INCIDENT, " planned failover, CHG-1042 ", "ada", NOW)

    assert decode(encode(record)) == Feedback(
        time="2026-11-23T04:05:06.789Z",
        incident_id=INCIDENT,
        verdict="benign",
        reason="planned failover, CHG-1042",
        author="ada",
    )
    assert key(record) == f"feedback/{INCIDENT}".encode()


@pytest.mark.parametrize(
    ("incident", "said"),
    [
        (INCIDENT[:8], "a beginning could name another incident later; copy the incident_id of the alert"),
        ("", "a beginning could name another incident later; copy"),
        (INCIDENT + "a", "found another text; copy"),
        (INCIDENT.upper(), "found another text; copy"),
        (INCIDENT[:-1] + "1", "found another text; copy"),
        ("\u0430" * 26, "found another text; copy"),
    ],
)
def test_anything_but_a_whole_incident_id_is_refused(incident: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        feedback("confirm", incident, "found in a repository", "ada", NOW)


@pytest.mark.parametrize(
    ("reason", "author", "option"),
    [(" ", "ada", "--reason"), ("why", " ", "--author"), (f"it was {TOKEN}", "ada", "--reason")],
)
def test_a_reason_or_author_that_is_empty_or_a_secret_is_refused(reason: str, author: str, option: str) -> None:
    with pytest.raises(UsageError) as caught:
        feedback("confirm", INCIDENT, reason, author, NOW)

    assert str(caught.value).startswith(f"{option}: expected")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("length", [1_025, 5_000])
def test_a_reason_that_is_too_long_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="--reason"):
        feedback("confirm", INCIDENT, "long " * (length // 5 + 1), "ada", NOW)


def test_a_reason_must_be_given() -> None:
    done = invoke("confirm", INCIDENT)

    assert done.exit_code == 2
    assert "--reason" in done.stderr


def test_nothing_is_claimed_when_no_broker_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
    path = tmp_path / "c.yaml"
    path.write_text(f"kafka: {{bootstrap: '{address}'}}\n")

    with pytest.raises(StreamUnavailable, match=address):
        invoke("confirm", INCIDENT, "--reason", "why", "--author", "ada", "--config", str(path))
