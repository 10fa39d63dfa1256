from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from detector.alert import Alert, decode
from detector.cli.demo import exit_code
from detector.simulate.demo.fleet import fleet
from detector.simulate.demo.score import Score, score
from tests.alerts import alert

SECTIONS = (
    "1  A small fleet, simulated here",
    "2  7 days pass through the detector",
    "3  The incident, explained",
    "4  The metrics, as Prometheus would scrape them",
    "5  The revocation it would ask for (mode observe: nothing is sent, nothing is signed)",
    "6  Honest counts",
    "7  Next",
)


@dataclass(frozen=True)
class Shown:
    """One run of the command, as a user sees it through a pipe, and what it kept."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def alerts(self) -> list[Alert]:
        return [decode(line) for line in (self.folder / "alerts.ndjson").read_bytes().splitlines()]

    def section(self, number: int) -> str:
        end = SECTIONS[number] if number < len(SECTIONS) else None
        text = self.out.partition(SECTIONS[number - 1])[2]
        return text.partition(end)[0] if end else text


def detector(*words: str, folder: Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DETECTOR_")}
    command = [sys.executable, "-W", "error", "-m", "detector", *words]
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    done = detector("demo", "--keep", "kept", folder=folder)
    return Shown(done.returncode, done.stdout, done.stderr, folder / "kept")


def test_the_demo_finds_the_theft_within_a_minute_and_says_so(shown: Shown) -> None:
    assert (shown.code, shown.err) == (0, "")
    assert re.search(r"thefts found +1 of 1", shown.section(6))


def test_it_tells_its_story_in_order_and_in_plain_text_when_piped(shown: Shown) -> None:
    places = [shown.out.index(section) for section in SECTIONS]
    assert places == sorted(places)
    assert "\x1b" not in shown.out


def test_every_simulated_day_is_shown_with_what_was_opened_in_it(shown: Shown) -> None:
    days = re.findall(
        r"^   \w{3} \d\d Jan +([\d,]+) records   (quiet|incidents opened)", shown.section(2), re.MULTILINE
    )
    records = (shown.folder / "cloudtrail.ndjson").read_bytes().splitlines()
    assert len(days) == 7
    assert sum(int(count.replace(",", "")) for count, _ in days) == len(records)
    opened = {decoded.time[:10] for decoded in shown.alerts if decoded.status == "new"}
    assert len(opened) == sum(word != "quiet" for _, word in days)


def test_the_explained_incident_is_that_of_the_stolen_credential(shown: Shown) -> None:
    (theft,) = fleet(7).truth.thefts
    explained = shown.section(3)
    assert theft.credential in explained
    assert theft.address in explained
    assert "Timeline" in explained
    assert "What to do" in explained


def test_the_metrics_were_served_over_http_and_count_what_was_read(shown: Shown) -> None:
    page = shown.section(4)
    records = len((shown.folder / "cloudtrail.ndjson").read_bytes().splitlines())
    assert re.search(r"GET http://127\.0\.0\.1:\d+/metrics", page)
    assert f'detector_events_total{{outcome="accepted",source="cloudtrail"}} {records}.0' in page


def test_the_revocation_shown_names_the_stolen_credential_and_is_unsigned(shown: Shown) -> None:
    (theft,) = fleet(7).truth.thefts
    request = shown.section(5)
    body = msgspec.json.decode(request[request.index("{") : request.rindex("}") + 1])
    assert body["data"]["credential"]["id"] == theft.credential
    assert "webhook-signature: <unsigned>" in request


def test_the_counts_are_those_of_the_alerts_against_the_truth(shown: Shown) -> None:
    result = score(fleet(7).truth, shown.alerts)
    counts = shown.section(6)
    (found,) = result.found
    assert result.false == (), "the ordinary week of a small fleet must page nobody"
    assert re.search(rf"false incidents +{len(result.false)} of {result.incidents} incidents", counts)
    assert f"malicious use number {found.uses}, {found.seconds} s after the first" in counts


def test_a_scan_of_the_kept_log_gives_the_ids_of_the_demo(shown: Shown) -> None:
    done = detector("scan", "kept/cloudtrail.ndjson", "--output", "ndjson", folder=shown.folder.parent)
    scanned = [decode(line.encode()) for line in done.stdout.splitlines()]
    assert [alert.id for alert in scanned] == [alert.id for alert in shown.alerts]


def test_what_to_try_next_works_as_written(shown: Shown) -> None:
    written = re.search(r"detector (explain \S+ \S+)", shown.section(7))
    assert written
    done = detector(*written[1].split(), folder=shown.folder.parent)
    assert done.returncode == 0, done.stderr
    assert "Timeline" in done.stdout


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = detector("demo", "--days", "1", "--keep", "file/kept", folder=tmp_path)
    assert done.returncode == 5
    assert "expected a folder to write to" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_theft_that_is_not_found_is_a_failed_expectation() -> None:
    truth = fleet(7, days=1, events_per_day=1_000).truth
    found = score(truth, [alert(event_ids=list(truth.malicious), time="2026-01-05T14:00:00Z")])
    assert exit_code(found) == 0
    assert exit_code(score(truth, [alert(event_ids=["benign"])])) == 4
    assert exit_code(Score(found=(), missed=(), false=(), incidents=0)) == 4
