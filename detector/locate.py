"""YAML with the place of every key and value, so that a wrong setting is reported as file:line:col.

YAML here is the part people mean: mappings, lists and scalars of YAML 1.2 (`off` is a text, `1:30` is a text), no
aliases, no tags, no repeated keys. The only PyYAML import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from detector.errors import ConfigError

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None
KeyPath: TypeAlias = tuple[str | int, ...]

_MAX_BYTES: Final = 1 << 20


@dataclass(slots=True)
class Located:
    """A document and where its parts stand, as file:line:col: `places` of values, `key_places` of their keys."""

    name: str
    value: Plain
    places: dict[KeyPath, str] = field(default_factory=dict)
    key_places: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def place(self, path: KeyPath) -> str:
        """Place of the value at `path`, or of the nearest part that encloses it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return self.name

    def key_place(self, path: KeyPath) -> str:
        """Place of the key at `path`, or of what encloses it."""
        return self.key_places.get(path) or self.place(path)


class _Scalars(yaml.SafeLoader):
    """PyYAML's loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: Mapping[str, list[tuple[str, re.Pattern[str]]]] = {}  # type: ignore[assignment, misc, unused-ignore]


_Scalars.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Scalars.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Scalars.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789")
)
_Scalars.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    list("-+0123456789"),
)


def read_file(path: Path) -> Located:
    """Read and locate one YAML file. Raises ConfigError when it cannot be read or is no YAML at all."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable YAML file: {error.strerror}; check the path") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(
            f"{path}: expected at most {_MAX_BYTES} bytes of settings, found {len(data)}; is it the right file?"
        )
    try:
        return read_text(data.decode(), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: expected UTF-8, found byte {data[error.start]:#04x} at byte {error.start}"
        ) from error


def read_text(text: str, name: str) -> Located:
    """Locate one YAML document called `name` in messages. Raises ConfigError when it is no YAML at all."""
    try:
        loader = _Scalars(text)
        try:
            node = loader.get_single_node()
            reader = _Reader(loader, name)
            value = reader.read(node, ()) if node is not None else {}
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{_place(name, mark)}: not valid YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        raise ConfigError(f"{name}: not valid YAML: {error.reason} at character {error.position}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: not valid settings: nested too deep") from error
    reader.located.value = value
    return reader.located


def read_scalar(text: str) -> Plain:
    """A scalar as YAML would read it: `9464` is a number, `off` a text. Anything else stays the text it is."""
    value = read_value(text)
    return text if isinstance(value, dict | list) else value


def read_value(text: str) -> Plain:
    """A value as YAML would read it, lists (`[a, b]`) and mappings too. What is no YAML stays the text it is."""
    try:
        return read_text(text, "value").value
    except ConfigError:
        return text


class _Reader:
    """Walks YAML nodes, building plain values and remembering places."""

    def __init__(self, loader: _Scalars, name: str) -> None:
        self.loader = loader
        self.located = Located(name, {})
        self.seen: set[int] = set()

    def read(self, node: yaml.Node, path: KeyPath) -> Plain:
        place = self.located.places[path] = _place(self.located.name, node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            value: Plain = self.loader.construct_object(node)  # type: ignore[no-untyped-call, unused-ignore]
            return value
        if id(node) in self.seen:
            self.located.problems.append(f"{place}: aliases are not supported; write the value again")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, at)) for at, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: yaml.Node, path: KeyPath) -> dict[str, Plain]:
        mapping: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            place = _place(self.located.name, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.located.problems.append(f"{place}: expected a word as key, found a list or mapping")
                continue
            key = key_node.value
            if key in mapping:
                first = self.located.key_places[(*path, key)]
                self.located.problems.append(f"{place}: {key} is set twice, first at {first}; keep one")
                continue
            self.located.key_places[(*path, key)] = place
            mapping[key] = self.read(value_node, (*path, key))
        return mapping


def _place(name: str, mark: yaml.Mark | None) -> str:
    return name if mark is None else f"{name}:{mark.line + 1}:{mark.column + 1}"
