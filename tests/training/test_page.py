from __future__ import annotations

import html.parser
import json
from pathlib import Path

import pytest

from detector.errors import InputError
from detector.training.judged import BARE, Judged
from detector.training.page import lines, number, pictures, write
from detector.training.report import Method, Report, rows_of, sizes_of

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
