"""The layout's rules hold, and the checker that says so sees each kind of violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import FUNCTION_LINES, MODULE_LINES, check

ROOT = Path(__file__).resolve().parent.parent

MAP = """\
# Map

```
domain.py      types
sources/       one file per log source
detections/    one file per detection
stream/kafka/consumer.py  the broker
pipeline.py    the path
```
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that breaks no rule."""
    files = {
        "README.md": MAP,
        "__init__.py": "",
        "domain.py": "import numpy\n",
        "pipeline.py": "from detector import domain\nfrom detector.sources import base\n",
        "sources/__init__.py": "",
        "sources/base.py": "from detector.domain import x\n",
        "sources/one.py": "from detector.sources.base import Source\n",
        "sources/two.py": "from detector.sources.base import Source\n",
        "detections/__init__.py": "",
        "detections/base.py": "",
        "detections/replay_one.py": "from detector.detections.base import Detection\n",
        "stream/__init__.py": "",
        "stream/kafka/__init__.py": "",
        "stream/kafka/consumer.py": "import asyncio\nimport aiokafka\nfrom detector import pipeline\n",
    }
    for name, text in files.items():
        plant(tmp_path, name, text)
    for test in (
        "test_domain",
        "test_pipeline",
        "sources/test_one",
        "sources/test_two",
        "detections/test_replay_one",
        "stream/kafka/test_consumer",
    ):
        path = tmp_path / "tests" / f"{test}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def plant(root: Path, name: str, text: str) -> None:
    path = root / "detector" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_this_repository_keeps_its_rules() -> None:
    assert check(ROOT) == []


def test_a_tree_that_keeps_the_rules_has_no_problem(tree: Path) -> None:
    assert check(tree) == []


LONG_FUNCTION = "def long():\n" + "    x = 1\n" * FUNCTION_LINES


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("sources/one.py", "import aiokafka\n", "imports aiokafka, which only stream/kafka/ may"),
        ("sources/one.py", "def f():\n    from aiokafka.client import x\n", "imports aiokafka, which only"),
        ("detections/replay_one.py", "import asyncio\n", "imports asyncio: below stream"),
        ("detections/replay_one.py", "from time import monotonic\n", "imports time: below stream"),
        ("pipeline.py", "import datetime\nx = datetime.datetime.now()\n", "calls datetime.datetime.now in line 2"),
        ("pipeline.py", "import numpy as np\nx = np.random.default_rng()\n", "calls np.random.default_rng in line 2"),
        ("sources/one.py", "from detector.sources import two\n", "imports its sibling sources/two.py"),
        ("sources/one.py", "import detector.sources.two\n", "imports its sibling sources/two.py"),
        ("sources/one.py", "from .base import Source\n", "imports relatively"),
        (
            "sources/one.py",
            "from detector.stream.kafka import consumer\n",
            "imports stream/kafka/consumer.py, which is above it",
        ),
        ("domain.py", "from detector import pipeline\n", "imports pipeline.py, which is above it"),
        ("sources/base.py", "from detector.sources import one\n", "imports itself in a circle"),
        ("domain.py", "import requests\n", "imports requests, which has no owner"),
        ("domain.py", LONG_FUNCTION, "long in line 1 has 41 lines"),
        ("domain.py", "x = 1\n" * (MODULE_LINES + 1), "has 401 lines"),
    ],
)
def test_a_planted_violation_is_reported(tree: Path, file: str, text: str, problem: str) -> None:
    plant(tree, file, text)

    found = check(tree)

    assert any(line.startswith(f"{file}: {problem}") for line in found), found


def test_a_module_missing_from_the_map_is_reported(tree: Path) -> None:
    plant(tree, "envelopes.py", "")
    (tree / "tests" / "test_envelopes.py").touch()

    assert check(tree) == ["envelopes.py: is missing from the map in detector/README.md"]


def test_a_module_that_is_only_on_the_map_is_reported(tree: Path) -> None:
    plant(tree, "README.md", MAP.replace("domain.py  ", "domains.py "))

    assert "README.md: the map names domains.py, which does not exist" in check(tree)
    assert "domain.py: is missing from the map in detector/README.md" in check(tree)


def test_a_module_without_a_layer_is_reported(tree: Path) -> None:
    plant(tree, "helpers.py", "")

    assert "helpers.py: has no layer: say in LAYERS where it belongs" in check(tree)


def test_a_new_member_of_a_family_asks_for_its_test_and_for_nothing_else(tree: Path) -> None:
    plant(tree, "sources/three.py", "from detector.sources.base import Source\n")

    assert check(tree) == ["sources/three.py: expected its test at tests/sources/test_three.py, found none"]

    (tree / "tests" / "sources" / "test_three.py").touch()
    assert check(tree) == []
