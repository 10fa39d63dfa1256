from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from detector.cli.scan import command, incident_table
from detector.errors import InputError, UsageError
from detector.simulate.demo.fleet import fleet
from tests.alerts import alert
from tests.dumps import dump


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two days of a small fleet with one theft, and one line that is no record."""
    path = tmp_path_factory.mktemp("scan") / "log.ndjson"
    path.write_bytes(b"not json\n" + b"".join(record + b"\n" for record in fleet(7, 2, 1_000).records))
    return str(path)


def scan(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=stdin, catch_exceptions=False, standalone_mode=False)


@pytest.fixture(scope="module")
def plain(log: str) -> Result:
    """The scan that says nothing but where to look."""
    return scan(log)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_piped_output_is_one_revision_per_line_and_the_summary_is_the_last_of_stderr(plain: Result) -> None:
    alerts, (*_, summary) = lines(plain.stdout), lines(plain.stderr)
    assert plain.return_value == 0
    assert {found["schema"] for found in alerts} == {"detector.alert/1"}
    assert summary["kind"] == "summary"
    assert summary["rejected"] == {"not_json": 1}
    assert summary["alerts"] == len(alerts)
    assert sum(summary["events"].values()) > 0
    counted = sum(count for severities in summary["incidents"].values() for count in severities.values())
    assert counted == len({found["incident_id"] for found in alerts})


def test_the_three_outputs_tell_of_the_same_incidents(log: str, plain: Result) -> None:
    by_line = lines(plain.stdout)
    as_array = json.loads(scan(log, "--output", "json").stdout)
    table = scan(log, "--output", "table").stdout

    assert as_array == by_line
    for incident in {found["incident_id"] for found in by_line}:
        assert incident[:12] in table


def test_standard_input_is_a_path(log: str, plain: Result) -> None:
    piped = scan("-", stdin=Path(log).read_bytes())

    assert [found["id"] for found in lines(piped.stdout)] == [found["id"] for found in lines(plain.stdout)]


def test_a_dump_of_uses_says_what_its_log_said(log: str, plain: Result, tmp_path: Path) -> None:
    dump(Path(log), tmp_path)

    done = scan("--format", "blocks", str(tmp_path))

    assert done.stdout == plain.stdout
    facts, expected = (lines(result.stderr)[-1] for result in (done, plain))
    differing = {key for key in expected if facts[key] != expected[key]}
    assert differing <= {"rejected", "seconds"}
    assert facts["rejected"] == {}


@pytest.mark.parametrize("option", ["--partitions", "--realm"])
def test_what_a_dump_says_itself_cannot_be_said_of_it(option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{option}: expected none with --format blocks"):
        scan("--format", "blocks", option, "1", str(tmp_path))


def test_out_takes_the_alerts_and_leaves_stdout_empty(log: str, plain: Result, tmp_path: Path) -> None:
    out = tmp_path / "alerts.ndjson"

    done = scan(log, "--out", str(out))

    assert done.stdout == ""
    assert out.read_text() == plain.stdout


def test_rejected_records_are_kept_with_their_place_and_without_their_bytes(log: str, tmp_path: Path) -> None:
    kept = tmp_path / "dead.ndjson"

    scan(log, "--dead-letter", str(kept))

    (letter,) = lines(kept.read_text())
    assert (letter["stream"], letter["offset"], letter["reason"]) == (log, 1, "not_json")
    assert "not json" not in json.dumps(letter["detail"])


def test_fail_on_turns_findings_into_exit_code_1(log: str, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.ndjson"
    quiet.touch()

    assert scan(log, "--fail-on", "informational").return_value == 1
    assert scan(str(quiet), "--fail-on", "informational").return_value == 0


def test_min_severity_hides_and_does_not_uncount(log: str, plain: Result) -> None:
    everything, severe = plain, scan(log, "--min-severity", "critical")

    shown = [found["id"] for found in lines(severe.stdout)]
    assert shown == [found["id"] for found in lines(everything.stdout) if found["severity"] == "critical"]
    assert lines(severe.stderr)[-1]["incidents"] == lines(everything.stderr)[-1]["incidents"]


def test_a_detection_in_shadow_is_counted_and_not_shown(log: str, plain: Result, tmp_path: Path) -> None:
    fired = {name for found in lines(plain.stdout) for name in found["detections"]}
    settings = tmp_path / "c.yaml"
    settings.write_text(json.dumps({"detections": {name: {"mode": "shadow"} for name in fired}}))

    done = scan(log, "--config", str(settings), "--fail-on", "informational")

    assert done.stdout == ""
    assert done.return_value == 0
    summary = lines(done.stderr)[-1]
    assert (summary["alerts"], summary["incidents"]) == (0, {})
    assert summary["shadow"] == lines(plain.stderr)[-1]["incidents"]
    assert "in shadow, not shown" in scan(log, "--config", str(settings), "--output", "table").stderr


def test_nothing_found_is_an_empty_array_and_a_line_that_says_so(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.ndjson"
    quiet.touch()

    assert json.loads(scan(str(quiet), "--output", "json").stdout) == []
    done = scan(str(quiet), "--output", "table")
    assert done.stdout == ""
    assert "no incident" in done.stderr


def test_what_cannot_be_scanned_or_written_is_refused_by_name(log: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        scan(str(tmp_path / "missing"))
    with pytest.raises(InputError, match="no folder"):
        scan(log, "--out", str(tmp_path / "no folder" / "x"))
    with pytest.raises(click.BadParameter, match=r"auto, cloudtrail, .*use, blocks"):
        scan(log, "--format", "cloudtrial")


def test_a_file_of_something_else_is_said_to_be_one(tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_bytes(b"\xff\xfe\n" * 3)

    said = scan(str(other), "--output", "table").stderr

    assert "3 rejected: invalid_utf8" in said
    assert "nothing could be read" in said


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_and_keeps_what_can_be_copied_in_one_piece(width: int) -> None:
    page = io.StringIO()
    Console(file=page, width=width).print(incident_table([alert()]))

    assert max(len(line.rstrip()) for line in page.getvalue().splitlines()) <= width
    for whole in ("incident1aaa", "high", "2026-01-05 09:58", "203.0.113.9", "ASIAEXAMPLE0000000001"):
        assert whole in page.getvalue(), whole


def test_a_table_shows_the_strongest_reason_and_no_control_character() -> None:
    page = io.StringIO()
    Console(file=page, width=120).print(
        incident_table([alert(title="\x1b[2Jevil\nline", incident_id="abcdefghijklmnop")])
    )
    table = page.getvalue()

    assert "\x1b" not in table
    assert r"\x1b[2Jevil\x0aline" in table
    assert "abcdefghijkl" in table
    assert "203.0.113.0/24" in table


def on_a_terminal(*arguments: str) -> str:
    """What `detector` shows when stdout and stderr are one terminal of 120 columns."""
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-m", "detector", *arguments], stdout=theirs, stderr=theirs, env=env):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO is how a terminal without a writer ends
            while data := os.read(ours, 65536):
                shown += data
    os.close(ours)
    return shown.decode()


def test_a_terminal_gets_a_progress_bar_and_a_table(log: str, plain: Result) -> None:
    shown = on_a_terminal("scan", log)

    assert re.search(r"\d+ % [\d,]+ events, [\d,]+/s, \d+ alerts", shown)
    assert "what, and why" in shown
    assert lines(plain.stdout)[0]["incident_id"][:12] in shown
    assert "1 rejected: not_json" in shown


def test_lines_on_a_terminal_are_not_mixed_with_a_bar(log: str, plain: Result) -> None:
    shown = on_a_terminal("scan", log, "--output", "ndjson").replace("\r\n", "\n")

    assert shown.startswith(plain.stdout)
    assert json.loads(shown.removeprefix(plain.stdout))["kind"] == "summary"
