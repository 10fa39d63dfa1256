"""A family is its folder: each file is one member, and the file's name is the member's name.

`members(package, base)` imports every module of a package but `base` and returns the one public subclass of `base`
that each defines. A file without a member, or with another name than its member, is refused.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

from detector.errors import ConfigError

Member = TypeVar("Member")


def members(package: ModuleType, base: type[Member]) -> dict[str, type[Member]]:
    """Classes by name, sorted by name, for every file of `package` but `base.py`.

    Raises ConfigError when a file defines no member, more than one, or one whose `name` is not the file's.
    """
    found: dict[str, type[Member]] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name != "base" and not info.ispkg:
            found[info.name] = _member(importlib.import_module(f"{package.__name__}.{info.name}"), base, info.name)
    return found


def _member(module: ModuleType, base: type[Member], name: str) -> type[Member]:
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ConfigError(f"{module.__name__}: expected one {base.__name__}, found {len(classes)}")
    declared = getattr(classes[0], "name", None)
    if declared != name:
        raise ConfigError(
            f"{module.__name__}: expected name = {name!r}, found {declared!r}; rename the file or the member"
        )
    return classes[0]
