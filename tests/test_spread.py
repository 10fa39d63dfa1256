"""The spread of tests over processes, by running pytest on small trees of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.spread import LONGEST, TOGETHER, rank, scope

ROOT = Path(__file__).resolve().parents[1]


def test_a_file_and_all_tests_of_the_broker_stay_in_one_process() -> None:
    assert scope("tests/test_a.py::test_one[x::y]") == scope("tests/test_a.py::test_two") == "tests/test_a.py"
    assert scope("tests/integration/test_run.py::test_one") == scope("tests/integration/test_ticks.py::test_two")
    assert scope("tests/state/test_shard.py::test_one") != scope("tests/state/test_rates.py::test_one")


def test_what_takes_longest_begins_first() -> None:
    names = ["tests/state/test_a.py", "tests/properties/test_b.py", "tests/integration/test_c.py"]
    assert sorted(names, key=rank) == names[::-1]


def test_the_places_that_are_named_are_there() -> None:
    assert [place for place in (*TOGETHER, *LONGEST) if not (ROOT / place).exists()] == []


def test_two_processes_run_every_test_once_and_say_what_was_measured(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    for folder in ("integration", "state"):
        (tests / folder).mkdir(parents=True)
        for name in "ab":
            (tests / folder / f"test_{folder}_{name}.py").write_text(
                "import os, pytest\n"
                "@pytest.mark.parametrize('number', range(3))\n"
                f"def test_{name}(number, figure):\n"
                f"    figure(f'{folder} {{os.getpid()}} {name}{{number}}')\n"
            )
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n")
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = [line.split() for line in done.stdout.splitlines() if line.startswith(("integration ", "state "))]
    assert sorted((where, number) for where, _, number in figures) == sorted(
        (folder, f"{name}{number}") for folder in ("integration", "state") for name in "ab" for number in range(3)
    )
    assert len({process for where, process, _ in figures if where == "integration"}) == 1
    assert len({process for _, process, _ in figures}) == 2
