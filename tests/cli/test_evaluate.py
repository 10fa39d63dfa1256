from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from detector.cli.evaluate import command
from detector.simulate.export import write_folder, write_truth
from detector.simulate.tenant import Dataset
from tests.training.made_corpora import make

SMALL = (
    "--split",
    "dev",
    "--tier",
    "ordinary",
    "--tenants",
    "1",
    "--principals",
    "60",
    "--days",
    "10",
    "--thefts",
    "1",
)


def invoke(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(
        command, [*SMALL, *arguments], catch_exceptions=False, standalone_mode=False, env=environment or {}
    )


@pytest.fixture(autouse=True)
def _no_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    """Third-party logs of whoever runs the tests take minutes."""
    monkeypatch.delenv("DETECTOR_CORPORA", raising=False)


def test_real_logs_are_measured_where_a_folder_is_named_and_the_rest_of_the_run_is_kept(tmp_path: Path) -> None:
    out, corpora = tmp_path / "out", str(make(tmp_path / "corpora", techniques=False))
    first = invoke("--baseline", "none", "--workers", "1", "--out", str(out))
    assert first.return_value == 0
    assert "dev/ordinary" in first.stdout
    assert json.loads((out / "report.json").read_bytes())["real"] is None
    named = invoke("--baseline", "none", "--out", str(out), environment={"DETECTOR_CORPORA": corpora})
    by_variable = json.loads((out / "report.json").read_bytes())["real"]
    assert [one["name"] for one in by_variable["labelled"]] == ["Made.Up.Rule"]
    assert named.stdout == first.stdout
    invoke("--baseline", "none", "--out", str(out), "--real", corpora)
    assert json.loads((out / "report.json").read_bytes())["real"] == by_variable


def test_a_baseline_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(click.BadParameter, match=r"expected none or one of .*new_terms_address.*; found 'guessing'"):
        invoke("--baseline", "guessing")


def test_logs_of_a_folder_are_judged_where_the_truth_is_told_and_refused_where_it_is_not(tmp_path: Path) -> None:
    fleet = Dataset("dev", "ordinary", thefts=1).tenant(0, principals=60, days=10)
    write_folder(fleet, tmp_path / "logs", 0)
    write_truth(fleet, tmp_path / "truth", 0)
    out = tmp_path / "out"
    told = invoke(
        str(tmp_path / "logs"), "--truth", str(tmp_path / "truth"), "--baseline", "none", "--out", str(out)
    )  # fmt: skip
    assert "logs: " in told.stdout
    assert json.loads((out / "report.json").read_bytes())["sizes"]["logs"]["thefts"] == len(fleet.thefts)
    with pytest.raises(click.UsageError, match="expected --truth FOLDER with DIR"):
        invoke(str(tmp_path / "logs"), "--out", str(out))
