from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from detector.alert import Alert, Reason, SourceEndpoint, encode
from detector.cli.explain import command, find, render
from detector.errors import InputError, UsageError
from tests.alerts import alert


def shown(given: Alert) -> str:
    page = io.StringIO()
    Console(file=page, width=120).print(render(given))
    return page.getvalue()


def explain(alert_id: str, file: str = "-", stdin: bytes = b"") -> Result:
    return CliRunner().invoke(command, [alert_id, file], input=stdin, catch_exceptions=False)


def several() -> Iterator[Alert]:
    yield alert(id="aaaa1111", incident_id="incidentone", revision=1)
    yield alert(id="bbbb2222", incident_id="incidenttwo", revision=1)
    yield alert(id="cccc3333", incident_id="incidentone", revision=2)


def test_everything_an_analyst_needs_is_on_the_page() -> None:
    given = alert(related_credentials=["ASIAEXAMPLE0000000002"])

    page = shown(given)

    for part in (
        given.title,
        given.severity,
        "0.97 (not calibrated)",
        given.credential.id,
        given.credential.principal,
        "+6.4",
        "198.51.100.0/24",
        "logs/a.json.gz:7",
        given.response.handle,
        given.response.survives,
        "ASIAEXAMPLE0000000002",
        "T1550.001",
        given.runbook_url,
        given.incident_id,
    ):
        assert part in page, part


def test_reasons_are_ranked_by_what_they_weigh() -> None:
    page = shown(alert())

    assert page.index("+6.4") < page.index("+2.1")


def test_the_timeline_is_in_the_order_of_time() -> None:
    page = shown(alert())

    assert page.index("198.51.100.0/24, boto3/1 linux") < page.index("203.0.113.0/24, curl/8 linux")


def test_text_of_an_attacker_neither_acts_on_the_terminal_nor_is_markup() -> None:
    reason = Reason(facet="client", observed="\x1b]0;owned\x07[bold]x", expected="", contribution=1.0)

    page = shown(alert(title="\x1b[2J[red]evil", reasons=[reason], src=SourceEndpoint(region="\u202eeu")))

    assert "\x1b" not in page
    assert r"\x1b[2J[red]evil" in page
    assert r"\x1b]0;owned\x07[bold]x" in page
    assert r"\u202eeu" in page


def test_an_incident_id_finds_the_last_revision_and_an_alert_id_its_own() -> None:
    assert find("incidentone", several()).id == "cccc3333"
    assert find("aaaa1111", several()).id == "aaaa1111"


def test_a_unique_beginning_is_enough_in_either_case() -> None:
    assert find("BBBB", several()).id == "bbbb2222"
    assert find("incidentt", several()).id == "bbbb2222"


def test_a_beginning_of_several_incidents_is_refused_with_their_names() -> None:
    with pytest.raises(UsageError, match="names 2 incidents: incidentone, incidenttwo"):
        find("incident", several())


@pytest.mark.parametrize("alert_id", ["zzzz", "", "a"])
def test_an_id_that_names_nothing_is_refused(alert_id: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        find(alert_id, several())


@pytest.mark.parametrize("join", [b"\n".join, lambda lines: b"[" + b",".join(lines) + b"]\n"], ids=["ndjson", "json"])
def test_both_outputs_of_scan_are_read(tmp_path: Path, join: object) -> None:
    path = tmp_path / "alerts"
    path.write_bytes(join([encode(given) for given in several()]))  # type: ignore[operator]

    assert "cccc3333" in explain("incidentone", str(path)).stdout


def test_lines_that_are_no_alerts_are_told_and_left_out() -> None:
    done = explain("aaaa1111", stdin=b"not an alert\n\n" + encode(alert(id="aaaa1111")) + b"\n")

    assert "aaaa1111" in done.stdout
    assert "-:1: left out: not_an_alert" in done.stderr


def test_a_file_of_something_else_is_told_in_a_few_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(b"{}\n" * 1_000 + encode(alert(id="aaaa1111")) + b"\n" + b"{}\n" * 1_000)

    done = explain("aaaa1111", str(path))
    assert "aaaa1111" in done.stdout
    assert len(done.stderr.splitlines()) == 3

    path.write_bytes(b"{}\n" * 1_000)
    with pytest.raises(UsageError, match="among the 0 alerts read"):
        explain("aaaa1111", str(path))


def test_confidence_is_never_shown_as_certainty() -> None:
    assert "over 0.99 (not calibrated)" in shown(alert(confidence=1.0))


@pytest.mark.parametrize("name", ["missing.ndjson", ""])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        explain("aaaa1111", str(tmp_path / name))
