"""How the tests are spread over processes by `pytest -n N` (pytest-xdist); without `-n` one runs them in their order.

A file stays in one process, so that what its tests share is made once. Folders that share more than that stay together
too: all that needs the broker, which would be started again in every process, and disturbed by its twin.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = ("tests/integration/", "tests/training/")
# What takes longest begins first, so that no process is left with it at the end.
LONGEST: Final = (
    *("tests/integration/", "tests/properties/", "tests/training/", "tests/corpora/", "tests/simulate/"),
    *("tests/runtime/", "tests/cli/", "tests/test_packaging.py"),
)


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Gives each process whole files or folders, in the order of collection."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False  # by how long they take, not by how many they are
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    """What stays in one process with a test: its folder or its file."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def rank(nodeid: str) -> int:
    """When a test begins: lower is earlier."""
    return next((at for at, start in enumerate(LONGEST) if nodeid.startswith(start)), len(LONGEST))
