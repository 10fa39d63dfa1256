"""What is installed is the whole of what is needed: the wheel works far from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel, built from a copy so that the checkout stays clean."""
    copy, out, target = (tmp_path_factory.mktemp(name) for name in ("copy", "out", "installed"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    for name in ("detector", "config", "models"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = out.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(target)
    return target


def detector(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed package from a folder that has nothing to do with the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "detector", *arguments],
        cwd=installed.parent,
        env={"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_of_packages_is_the_folders(project: dict[str, Any]) -> None:
    folders = {".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "detector").rglob("__init__.py")}

    assert set(project["tool"]["setuptools"]["packages"]) == folders | {"detector._config", "detector._models"}


def test_every_shipped_file_is_in_the_wheel(installed: Path) -> None:
    for folder in ("config", "models"):
        files = {file.relative_to(ROOT / folder) for file in (ROOT / folder).rglob("*") if file.is_file()}
        wheel = installed / "detector" / f"_{folder}"
        assert files == {file.relative_to(wheel) for file in wheel.rglob("*") if file.is_file()}
    assert (installed / "detector" / "py.typed").is_file()


def test_nothing_but_the_package_is_installed(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"detector"}


def test_the_installed_package_finds_its_settings_and_its_bundle(installed: Path) -> None:
    done = detector(installed, "config", "check")
    assert done.returncode == 0, done.stderr

    where = subprocess.run(
        [sys.executable, "-c", "import detector.resources as r; print(r.config_dir(), r.models_dir())"],
        cwd=installed.parent,
        env={"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    package = installed / "detector"
    assert where.stdout.split() == [str(package / "_config"), str(package / "_models")]


def test_the_installed_package_scans(installed: Path, tmp_path: Path) -> None:
    log = tmp_path / "empty.json"
    log.touch()

    assert detector(installed, "scan", str(log)).returncode == 0


@pytest.mark.parametrize("name", ["run", "evaluate", "dev", "build"])
def test_pins_carry_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]

    assert pins
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_what_the_package_needs_is_pinned_for_running_for_evaluating_and_for_testing(project: dict[str, Any]) -> None:
    def names(requirements: list[str]) -> set[str]:
        return {requirement.split(">")[0].split("=")[0].lower().replace("_", "-") for requirement in requirements}

    def pinned(name: str) -> set[str]:
        lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}

    assert names(project["project"]["dependencies"]) <= pinned("run") <= pinned("dev")
    for extra in ("evaluate", "dev"):
        assert names(project["project"]["optional-dependencies"][extra]) <= pinned(extra)
    assert pinned("run") <= pinned("evaluate")


def test_a_package_that_is_pinned_twice_is_pinned_to_one_version() -> None:
    """`make test` installs the files one after the other: a second pin would undo the first."""
    versions: dict[str, set[str]] = {}
    for name in ("run", "evaluate", "dev", "build"):
        for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
            package, pin, version = line.partition("==")
            if pin:
                versions.setdefault(package.lower().replace("_", "-"), set()).add(version)

    assert [package for package, pins in versions.items() if len(pins) > 1] == []
