"""The environment and the flags as layers of settings: each value read as its setting takes it, each with its place.

`DETECTOR__SECTION__KEY=value`. Names are lower-cased, and the id of a detection is written with `_` for its first dot.
`null` unsets a setting that may be unset; a list is written as in YAML: `[a, b]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from detector.locate import Located, Plain, read_scalar, read_value

PREFIX: Final = "DETECTOR__"


def environment_layer(env: Mapping[str, str], schema: Mapping[str, Any]) -> Located:
    """The layer of the variables that begin with `PREFIX`; `schema` is that of a settings file."""
    layer = Located("environment", {})
    for variable in sorted(name for name in env if name.startswith(PREFIX)):
        words = [word.lower() for word in variable.removeprefix(PREFIX).split("__")]
        if words[0] == "detections" and len(words) > 1:
            words[1] = words[1].replace("_", ".", 1)
        _set(layer, words, _typed(_kinds(words, schema), env[variable]), f"environment {variable}")
    return layer


def flags_layer(flags: Mapping[str, Plain]) -> Located:
    """The layer of the command line: dotted path → value."""
    layer = Located("flags", {})
    for dotted, value in flags.items():
        _set(layer, dotted.split("."), value, f"flag {dotted}")
    return layer


def _set(layer: Located, path: Sequence[str], value: Plain, place: str) -> None:
    tree = layer.value
    for depth, word in enumerate(path):
        layer.places.setdefault(tuple(path[: depth + 1]), place)
        if not isinstance(tree, dict):
            layer.problems.append(f"{place}: {'.'.join(path[:depth])} is already set to a value; unset one of the two")
            return
        tree = tree.setdefault(word, {} if depth + 1 < len(path) else value)


def _typed(kinds: set[str], text: str) -> Plain:
    """A variable's value: where the setting takes a text it stays one, so that a password `1` needs no quotes."""
    if "string" in kinds:
        return None if text == "null" and "null" in kinds else text
    return read_value(text) if "array" in kinds else read_scalar(text)


def _kinds(path: Sequence[str], schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that the setting at `path` may have; none where there is no such setting."""
    part: Any = schema
    for word in path:
        part = part.get("properties", {}).get(word, part.get("additionalProperties")) or {}
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return {way.get("type", "string" if "enum" in way else "") for way in part.get("anyOf", [part])}
