"""What every detection promises, checked for every file of `detector/detections/`.

The test of a detection, `tests/detections/test_NAME.py`, defines `SCENARIOS`: at least one fires, at least two stay
quiet, and one quiet one is named after every benign cause (`falsepositives`) that the metadata claims.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
from typing import Protocol

import pytest

from detector import detections
from detector.alert import SEVERITIES
from detector.detections.base import Detection, load_detections
from detector.registry import members


class Scenario(Protocol):
    """Named uses and whether the detection fires on them; `run()` says whether it did."""

    @property
    def name(self) -> str: ...

    @property
    def fires(self) -> bool: ...

    def run(self) -> bool: ...


DETECTIONS = members(detections, Detection)
every_detection = pytest.mark.parametrize("name", sorted(DETECTIONS))


def scenarios(name: str) -> tuple[Scenario, ...]:
    found: tuple[Scenario, ...] = importlib.import_module(f"tests.detections.test_{name}").SCENARIOS
    return found


EVERY_SCENARIO = [
    pytest.param(name, scenario, id=f"{name}: {scenario.name}")
    for name in sorted(DETECTIONS)
    for scenario in scenarios(name)
]


@every_detection
def test_its_id_is_its_file_name(name: str) -> None:
    assert DETECTIONS[name].metadata.id == name.replace("_", ".", 1)
    assert DETECTIONS[name].metadata.id in load_detections()


@every_detection
def test_its_metadata_says_everything_an_analyst_needs(name: str) -> None:
    metadata = DETECTIONS[name].metadata

    assert metadata.level in SEVERITIES
    assert metadata.status in {"stable", "test", "experimental", "shadow"}
    for said in ("title", "description", "runbook", "author", "version"):
        assert str(getattr(metadata, said)).strip(), f"{name}: {said} is empty"
    for listed in ("falsepositives", "references", "evidence", "blind_spots"):
        assert getattr(metadata, listed), f"{name}: {listed} is empty"
    dt.date.fromisoformat(str(metadata.date))


@every_detection
def test_it_is_mapped_to_public_catalogues(name: str) -> None:
    tags = DETECTIONS[name].metadata.tags

    assert any(re.search(r"nhi\D?\d", tag, re.IGNORECASE) for tag in tags), f"{name}: no OWASP NHI tag in {tags}"
    assert any(re.search(r"t\d{4}", tag, re.IGNORECASE) for tag in tags), f"{name}: no ATT&CK technique in {tags}"


@every_detection
def test_its_scenarios_show_that_it_fires_and_that_it_stays_quiet(name: str) -> None:
    fires = [scenario.fires for scenario in scenarios(name)]

    assert fires.count(True) >= 1
    assert fires.count(False) >= 2
    assert len({scenario.name for scenario in scenarios(name)}) == len(fires)


@every_detection
def test_every_benign_cause_it_claims_has_a_quiet_scenario_of_that_name(name: str) -> None:
    quiet = {scenario.name for scenario in scenarios(name) if not scenario.fires}

    assert set(DETECTIONS[name].metadata.falsepositives) - quiet == set()


@pytest.mark.parametrize(("name", "scenario"), EVERY_SCENARIO)
def test_a_scenario_ends_as_it_says(name: str, scenario: Scenario) -> None:
    assert scenario.run() is scenario.fires
