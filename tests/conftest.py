"""What every test has: no colours, quick property tests, and the third-party logs where there are any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shared machine may stop for a second in the middle of an example: time is no property of what is tested.
settings.register_profile("detector", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("detector")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not reach them."""
    for name in os.environ:
        if name.startswith("DETECTOR__") or name in {"DETECTOR_DEBUG", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of third-party logs that DETECTOR_CORPORA names; the test is skipped when there is none."""
    folder = os.environ.get("DETECTOR_CORPORA")
    if not folder:
        pytest.skip("DETECTOR_CORPORA names no folder of third-party logs")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"DETECTOR_CORPORA: expected a folder, found none at {path}")
    return path
