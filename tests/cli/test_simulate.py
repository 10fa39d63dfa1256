from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from detector.cli.simulate import command
from detector.errors import InputError, UsageError
from detector.runtime.scan import open_scan
from detector.settings import load_settings
from detector.simulate import truth
from detector.simulate.populations.base import load_populations
from detector.simulate.scenarios.base import load_scenarios

SMALL = ("--principals", "60", "--days", "8", "--thefts", "1")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_list_prints_one_object_for_everything_there_is() -> None:
    found = rows(invoke("list"))

    names = {kind: [row["name"] for row in found if row["type"] == kind] for kind in {row["type"] for row in found}}
    assert names["scenario"] == list(load_scenarios())
    assert names["population"] == list(load_populations())
    assert names["tier"] == ["ordinary", "hard"]
    assert names["split"] == ["dev", "test"]
    scenarios = [row for row in found if row["type"] == "scenario"]
    assert all(row["techniques"] and row["stealths"] and row["description"] for row in scenarios)


def test_show_gives_a_theft_with_its_records_as_the_log_has_them() -> None:
    shown = json.loads(invoke("show", "o11_tampering", "--stealth", "S1").stdout)

    assert shown["name"] == shown["theft"]["scenario"] == "o11_tampering"
    assert shown["theft"]["stealth"] == "S1"
    assert len(shown["records"]) == len(shown["theft"]["event_ids"]) > 0


def test_a_folder_of_logs_is_scanned_with_the_settings_in_it(tmp_path: Path) -> None:
    logs, kept = tmp_path / "logs", tmp_path / "truth"

    done = invoke("run", "--to", f"files:{logs}", "--truth", str(kept), "--tenants", "2", *SMALL)

    assert "tenant-01:" in done.stderr
    assert done.stdout == ""
    below = logs / "tenant-01"
    scan = open_scan(load_settings(below / "detector.yaml", {}), [str(below)])
    for _ in scan.steps():
        pass
    (found,) = truth.read([kept / "tenant-01.json"])
    assert found.thefts
    assert sum(scan.summary.rejected.values()) == 0
    records = sum(len(file.read_bytes().splitlines()) for file in below.glob("*.ndjson"))
    assert sum(scan.summary.events.values()) == records > 1000


def test_stdout_gives_one_log_of_all_tenants_in_order_of_arrival() -> None:
    done = invoke("run", "--to", "stdout", "--log", "use", "--tenants", "2", *SMALL)

    records = rows(done)
    assert {"t00", "t01"} <= {record["realm"][:3] for record in records}
    stamps = [record["time"] for record in records]
    assert any(before > after for before, after in pairwise(stamps)), "logs are late"
    assert stamps[0] < stamps[len(stamps) // 2] < stamps[-1]


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        invoke("run", "--to", f"files:{tmp_path / name}", "--split", "test", "--tier", "hard", *SMALL)

    one, two = (sorted((tmp_path / name / "tenant-00").iterdir()) for name in ("one", "two"))
    assert [file.name for file in one] == [file.name for file in two]
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_a_seed_is_another_dataset() -> None:
    first, other = (invoke("run", "--to", "stdout", "--log", "use", "--seed", seed, *SMALL).stdout for seed in "01")

    assert first != other


def test_a_forgotten_truth_is_said() -> None:
    assert "--truth FOLDER keeps it" in invoke("run", "--to", "stdout", "--log", "use", *SMALL).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "r99_nothing"], "`detector simulate list` has them"),
        (["show", "o11_tampering", "--stealth", "S3"], "expected one of S0, S1, found 'S3'"),
        (["run", "--to", "files:logs", "--rate", "5"], "--rate: expected only with --to kafka"),
        (["run", "--to", "stdout", "--gzip"], "--gzip: expected only with --to files"),
        (["run", "--to", "kafka:localhost:1", "--rate", "5", "--speed", "2"], "expected one of them, found both"),
        (["run", "--to", "files:logs", "--truth", "logs/truth"], "expected a folder outside of logs"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_made(arguments: Sequence[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        invoke(*arguments)


def test_a_log_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"expected one of cloudtrail, kubernetes\..*, use, found 'vault'"):
        invoke("run", "--to", "stdout", "--log", "vault", *SMALL)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.ndjson").touch()

    with pytest.raises(InputError, match=r"found old\.ndjson"):
        invoke("run", "--to", f"files:{tmp_path}", *SMALL)


@pytest.mark.parametrize("to", ["files", "files:", "kafka:", "elsewhere:x", "stdout:x"])
def test_a_destination_is_files_stdout_or_kafka(to: str) -> None:
    done = CliRunner().invoke(command, ["run", "--to", to])

    assert done.exit_code == 2
    assert "files:DIR|stdout|kafka:HOST:PORT" in done.stderr
