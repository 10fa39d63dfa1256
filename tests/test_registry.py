from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from detector.errors import ConfigError
from detector.registry import members

BASE = "class Thing:\n    name = ''\n"
GOOD = "from things.base import Thing\nclass {title}(Thing):\n    name = '{name}'\n"


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty family; imported afresh by each test."""
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "base.py").write_text(BASE)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "things"]:
        del sys.modules[name]


def family() -> dict[str, type[object]]:
    package: ModuleType = __import__("things")
    base = __import__("things.base", fromlist=["Thing"]).Thing
    return members(package, base)


def test_each_file_is_one_member_sorted_by_name(things: Path) -> None:
    for name in ("pear", "apple"):
        (things / f"{name}.py").write_text(GOOD.format(title=name.title(), name=name))
    (things / "shared").mkdir()
    (things / "shared" / "__init__.py").touch()

    assert [(name, member.__name__) for name, member in family().items()] == [("apple", "Apple"), ("pear", "Pear")]


def test_a_member_with_another_name_than_its_file_is_refused(things: Path) -> None:
    (things / "apple.py").write_text(GOOD.format(title="Apple", name="pear"))

    with pytest.raises(ConfigError, match=r"things\.apple: expected name = 'apple', found 'pear'"):
        family()


@pytest.mark.parametrize(("text", "found"), [("", 0), (GOOD.format(title="A", name="x") + "class B(A): ...\n", 2)])
def test_a_file_without_exactly_one_member_is_refused(things: Path, text: str, found: int) -> None:
    (things / "apple.py").write_text(text)

    with pytest.raises(ConfigError, match=f"expected one Thing, found {found}"):
        family()
