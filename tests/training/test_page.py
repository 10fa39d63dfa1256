from __future__ import annotations

import html.parser
import json
from pathlib import Path

import msgspec
import pytest

from detector.errors import InputError
from detector.training.figures import Share, Spread
from detector.training.grafts import Grafted
from detector.training.judged import BARE, Judged
from detector.training.page import counted, lines, number, pictures, rate, write
from detector.training.real import measure
from detector.training.report import Method, Report, rows_of, sizes_of
from tests.training.made_corpora import make

METHODS = (Method(BARE, "This detector, <bare>", "its own priors", 10.0),)


@pytest.fixture(scope="module")
def report(judged: Judged) -> Report:
    rows = rows_of("dev/ordinary", [judged], METHODS, {}) + rows_of("test/hard", [judged], METHODS, {BARE: {"5": 10.0}})
    sizes = {"dev/ordinary": sizes_of([judged]), "test/hard": sizes_of([judged])}
    return Report("0", "default", METHODS, tuple(rows), sizes, {})


class Tags(html.parser.HTMLParser):
    """Opened and closed tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br", "use", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "use"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_report_is_a_page_a_text_a_record_and_pictures(report: Report, tmp_path: Path) -> None:
    page = write(report, tmp_path / "out")
    tags = Tags()
    tags.feed(page.read_text(encoding="utf-8"))
    assert tags.open == []
    assert "This detector, <bare>" in tags.texts  # escaped in the page, so whole to a reader
    assert "src=" not in page.read_text(encoding="utf-8")  # one file that can be sent around
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "## test/hard" in markdown
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["rows"][0]["method"] == BARE
    assert (tmp_path / "out" / "recall-dev-ordinary.svg").read_text(encoding="utf-8").startswith("<svg")


def test_real_logs_have_a_section_where_they_were_measured(report: Report, tmp_path: Path) -> None:
    found = measure(make(tmp_path / "corpora", techniques=False))
    line = Grafted(
        "aws.made-up", 3, {"cloud": Share(1, 2, 0.1, 0.9)}, {"cloud": Share(2, 2, 0.3, 1.0)}, Spread(1, 2), {}
    )
    found = msgspec.structs.replace(found, grafts=(line,))
    page = write(msgspec.structs.replace(report, real=found), tmp_path / "out")
    tags = Tags()
    tags.feed(page.read_text(encoding="utf-8"))
    assert tags.open == []
    assert {"Real logs", "Made.Up.Rule", "history", "1 / 2 of 2", "blind"} <= set(tags.texts)
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "| Made.Up.Rule | 2 | 1 | 1 | 1 | history | none | none | 0 |" in markdown
    assert "| cribl-cloudtrail | 2 |" in markdown
    assert "Real logs" not in write(report, tmp_path / "none").read_text(encoding="utf-8")


def test_a_rate_needs_as_many_principal_days_as_would_allow_thirty_incidents() -> None:
    assert rate(3, 14_999) == "too few"
    assert rate(3, 15_000) == "2.00"


def test_counts_are_said_by_name_and_nothing_is_said_to_be_none() -> None:
    assert counted({"replay.new_origin": 3, "scope.new_action": 1}) == "replay.new_origin 3, scope.new_action 1"
    assert counted({}) == "none"


def test_pictures_of_the_same_report_are_the_same_bytes(report: Report) -> None:
    assert pictures(report) == pictures(report)


def test_no_figure_is_quoted_where_fewer_than_thirty_false_incidents_are_expected(report: Report) -> None:
    assert report.sizes["dev/ordinary"]["principal_days"] < 15_000
    assert lines(report, "dev/ordinary")[0].recalls == ("too few", "too few", "too few")


def test_a_figure_shows_the_digits_that_mean_something() -> None:
    assert [number(value) for value in (0.123, 5.55, 55.55, 5555.5, None, float("nan"))] == [
        "0.12", "5.55", "55.5", "5,556", "n/a", "n/a",
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_is_an_error_for_people(report: Report, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken: expected a folder to write the report to"):
        write(report, tmp_path / "taken")
