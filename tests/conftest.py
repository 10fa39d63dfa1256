"""What every test has: no colours, quick property tests, figures that are told, and what runs in which process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.spread import Spread, rank

# A shared machine may stop for a second in the middle of an example: time is no property of what is tested.
settings.register_profile("detector", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("detector")


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Spread:
    """Only asked for by `pytest -n N`."""
    return Spread(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: rank(item.nodeid))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say what was measured: a line at the end of the run, whichever process measured it."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for some in terminalreporter.stats.values() for one in some if getattr(one, "when", "") == "call"]
    figures = [text for report in reports for name, text in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("measured")
        for text in figures:
            terminalreporter.line(text)


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
