"""What an operator chooses: sections, their defaults, and how the layers become one `Settings`.

Layers, later wins: the defaults here (`config/default.yaml` is their commented copy, kept equal by a test), the file,
the environment (`DETECTOR__SECTION__KEY`), flags. Every problem of every layer is reported at once, with its place.
"""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from detector import detections, sources
from detector.diagnose import problems_of
from detector.errors import ConfigError
from detector.locate import Located, Plain, read_file, read_scalar

ENVIRONMENT_PREFIX: Final = "DETECTOR__"

Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Port: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Mode: TypeAlias = Literal["alert", "shadow", "off"]
Secret: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, extra_json_schema={"writeOnly": True})]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a part of the settings."""


class Kafka(Section, frozen=True):
    """The broker and the topics `run` reads and writes."""

    bootstrap: Text = "localhost:9092"
    raw_topic: Text = "raw"
    alerts_topic: Text = "alerts"
    group: Text = "detector"


class SourceSettings(Section, frozen=True):
    """How records are read: the source's name or `auto`, and the realm of records that name none."""

    format: Text = "auto"
    realm: Text = "unknown"


class DeadLetterSettings(Section, frozen=True):
    """Where `run` writes rejected records: reason, position and hash, never the bytes."""

    file: Text = "dead-letter.ndjson"


class Http(Section, frozen=True):
    """Where `/metrics`, `/healthz` and `/readyz` are served; port 0 takes any free one."""

    host: Text = "127.0.0.1"
    port: Port = 9464


class DetectionSettings(Section, frozen=True):
    """`alert`: fires. `shadow`: is counted, never sent. `off`: is not evaluated."""

    mode: Mode = "alert"


class Webhook(Section, frozen=True):
    """The request a revocation sends. `url` is a secret: it may carry a token."""

    url: Secret | None = None
    template: Literal["standard-webhooks"] = "standard-webhooks"


class ResponseSettings(Section, frozen=True):
    """`observe`: write what would be done. Nothing is ever sent in this mode."""

    mode: Literal["observe"] = "observe"
    webhook: Webhook = Webhook()


class Settings(Section, frozen=True):
    """Everything an operator chooses. `bundle` is a shipped name or a path; `detections` is keyed by detection id."""

    kafka: Kafka = Kafka()
    source: SourceSettings = SourceSettings()
    dead_letter: DeadLetterSettings = DeadLetterSettings()
    http: Http = Http()
    bundle: Text = "default"
    detections: dict[str, DetectionSettings] = {}
    response: ResponseSettings = ResponseSettings()

    @property
    def digest(self) -> str:
        """16 hex digits over what can change an alert, and over nothing else: not the broker, not a port."""
        decisive = (self.source, self.bundle, sorted(self.detections.items()))
        return hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()[:16]

    def mode(self, detection: str) -> Mode | None:
        """The mode that is said of a detection id; None where nothing is (see `runtime/choice.py`)."""
        said = self.detections.get(detection)
        return said.mode if said else None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings and, for each leaf by dotted path, the layer that set it."""

    settings: Settings
    origins: dict[str, str]


def load_settings(path: Path | None, env: Mapping[str, str], flags: Mapping[str, Plain] | None = None) -> Settings:
    """Settings of a file (None: the defaults), an environment and flags (dotted path → value).

    Raises ConfigError with every problem as file:line:col, variable or flag.
    """
    return resolve(path, env, flags).settings


def resolve(path: Path | None, env: Mapping[str, str], flags: Mapping[str, Plain] | None = None) -> Resolved:
    """As `load_settings`, remembering which layer set what. Raises ConfigError."""
    layers = [] if path is None else [read_file(path)]
    layers += [_environment(env), _flags(flags or {})]
    problems = [problem for layer in layers if layer.value != {} for problem in problems_of(layer, schema())]
    if problems:
        raise ConfigError(problems)
    merged: dict[str, Plain] = {}
    origins = dict.fromkeys(leaves(msgspec.to_builtins(Settings())), "default")
    for layer in layers:
        tree = layer.value if isinstance(layer.value, dict) else {}
        _merge(merged, tree)
        origins |= {leaf: layer.place(key_path) for leaf, key_path in _leaf_paths(tree)}
    return Resolved(msgspec.convert(merged, Settings), origins)


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a settings file, with the names of this installation's sources and detections."""
    _, parts = msgspec.json.schema_components([Settings], ref_template="#/$defs/{name}")
    top = parts.pop("Settings")
    top["properties"]["detections"]["propertyNames"] = {"enum": detection_ids()}
    parts["SourceSettings"]["properties"]["format"] = {"enum": ["auto", *source_names()], "default": "auto"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": "detector settings",
        "$defs": parts,
    }


def detection_ids() -> list[str]:
    """Ids of the shipped detections by their file names (`replay_new_origin` → `replay.new_origin`)."""
    return [name.replace("_", ".", 1) for name in _member_names(detections.__path__)]


def source_names() -> list[str]:
    """Names of the shipped log sources."""
    return _member_names(sources.__path__)


def redacted(settings: Settings) -> dict[str, Any]:
    """Settings as plain values with every secret that is set replaced by a word."""
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    if plain["response"]["webhook"]["url"] is not None:
        plain["response"]["webhook"]["url"] = "(redacted)"
    return plain


def leaves(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted path → value of every leaf; an empty mapping is a leaf."""
    return {leaf: _at(tree, key_path) for leaf, key_path in _leaf_paths(tree)}


def _member_names(path: Any) -> list[str]:
    return sorted(info.name for info in pkgutil.iter_modules(path) if info.name != "base" and not info.ispkg)


def _environment(env: Mapping[str, str]) -> Located:
    """The layer of `DETECTOR__SECTION__KEY=value`; ids of detections are written with `_` for `.`."""
    layer = Located("environment", {})
    for variable in sorted(name for name in env if name.startswith(ENVIRONMENT_PREFIX)):
        words = [word.lower() for word in variable.removeprefix(ENVIRONMENT_PREFIX).split("__")]
        if words[0] == "detections" and len(words) > 1:
            words[1] = words[1].replace("_", ".", 1)
        _set(layer, tuple(words), _typed(words, env[variable]), f"environment {variable}")
    return layer


def _flags(flags: Mapping[str, Plain]) -> Located:
    layer = Located("flags", {})
    for dotted, value in flags.items():
        _set(layer, tuple(dotted.split(".")), value, f"flag {dotted}")
    return layer


def _set(layer: Located, path: tuple[str, ...], value: Plain, place: str) -> None:
    tree = layer.value
    for depth, word in enumerate(path):
        layer.places.setdefault(path[: depth + 1], place)
        if not isinstance(tree, dict):
            layer.problems.append(f"{place}: {'.'.join(path[:depth])} is already set to a value; unset one of the two")
            return
        tree = tree.setdefault(word, {} if depth + 1 < len(path) else value)


def _typed(words: list[str], text: str) -> Plain:
    """A variable's value: where the default is a text it stays one, so that a group named `1` needs no quotes."""
    default = leaves(msgspec.to_builtins(Settings())).get(".".join(words))
    return text if isinstance(default, str) else read_scalar(text)


def _merge(into: dict[str, Plain], layer: Mapping[str, Plain]) -> None:
    for key, value in layer.items():
        below = into.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            _merge(below, value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _leaf_paths(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, value in tree.items():
        here = (*path, key)
        if isinstance(value, dict) and value:
            yield from _leaf_paths(value, here)
        else:
            yield ".".join(here), here


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for word in path:
        tree = tree[word]
    return tree
