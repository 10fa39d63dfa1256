from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import InputError
from detector.simulate.export import write_folder, write_truth
from detector.simulate.tenant import Dataset
from detector.training.exported import judge_folder, tenants_in
from detector.training.judged import BARE, ENRICHED
from tests.training.conftest import SMALL


def test_logs_that_were_written_are_judged_as_the_fleet_was(tmp_path: Path) -> None:
    fleet = Dataset("dev", "ordinary", thefts=1).tenant(0, **SMALL)
    write_folder(fleet, tmp_path / "logs", 0, compress=True)
    write_truth(fleet, tmp_path / "truth", 0)
    [(folder, truth_file)] = tenants_in(tmp_path / "logs", tmp_path / "truth")
    judged = judge_folder(folder, truth_file, [])
    assert judged.facts.rejected == 0
    assert len(judged.facts.thefts) == len(fleet.thefts)
    assert len(judged.points[BARE]) > 0
    assert len(judged.points[ENRICHED]) > 0


def test_a_folder_without_tenants_or_without_truth_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected folders tenant-NN, as `detector simulate run"):
        tenants_in(tmp_path, tmp_path)
    (tmp_path / "tenant-00").mkdir()
    with pytest.raises(InputError, match=r"tenant-00\.json: expected the truth about tenant-00"):
        tenants_in(tmp_path, tmp_path / "truth")
