"""What an operator chooses: sections, their defaults, and how the layers become one `Settings`.

Layers, later wins: the defaults here (the folder `config/` is their commented copy, kept equal by a test), the file or
the files of a folder, the environment (`DETECTOR__SECTION__KEY`), flags. Every problem of every layer is reported at
once, with its place; then every setting that contradicts another one.
"""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from detector import detections, encoders, sinks, sources
from detector.diagnose import problems_of
from detector.errors import ConfigError, RecordError
from detector.layers import environment_layer, flags_layer
from detector.locate import Plain, read_file
from detector.records import event_time

Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Port: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Mode: TypeAlias = Literal["alert", "shadow", "off"]
Secret: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, extra_json_schema={"writeOnly": True})]
TopicName: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$",
        description="the name of a topic: at most 249 letters, digits, dots, underscores and hyphens",
    ),
]
SinkName: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="a name of lower-case letters, digits, underscores and hyphens: it becomes part of a group's name",
    ),
]
Start: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(earliest|latest|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))$",
        description="earliest, latest or an RFC 3339 time such as 2026-11-01T00:00:00Z",
    ),
]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a part of the settings."""


class RawTopic(Section, frozen=True):
    """How a raw topic is read.

    `start` says where a first start begins: at the `earliest` record, at the `latest`, or at an RFC 3339 time. After
    records were lost unread, or the topic was made anew, ingest refuses to go on until `generation` is raised: it then
    begins at `start` again, and takes nothing for a repeat.
    """

    source: Text = "auto"
    realm: Text = "unknown"
    start: Start = "earliest"
    generation: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class KafkaSecurity(Section, frozen=True):
    """How we show who we are. Files are paths; `password` and `client_secret` are secrets."""

    protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    ca_file: Text | None = None
    certificate_file: Text | None = None
    key_file: Text | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    username: Text | None = None
    password: Secret | None = None
    token_file: Text | None = None
    token_endpoint: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    scope: Text | None = None


class Kafka(Section, frozen=True):
    """The broker and the topics. `raw` is keyed by topic; groups are `group`-ingest, -detect and -deliver-SINK.

    `routing: raw` keeps rows where their raw partition says and loses what routing by realm is for: tests only.
    """

    bootstrap: Text = "localhost:9092"
    group: Text = "detector"
    raw: dict[TopicName, RawTopic] = {}
    uses: TopicName = "uses"
    alerts: TopicName = "alerts"
    control: TopicName = "control"
    dead_letters: TopicName = "dead-letters"
    routing: Literal["realm", "raw"] = "realm"
    session_timeout_seconds: Annotated[float, msgspec.Meta(ge=1, le=300)] = 45.0
    security: KafkaSecurity = KafkaSecurity()


class Realms(Section, frozen=True):
    """What is routed together, and what is too large for one core (see `routing.py`)."""

    merge: list[list[Text]] = []
    split: dict[str, Annotated[int, msgspec.Meta(ge=2, le=1024)]] = {}


class Timing(Section, frozen=True):
    """How late a log may be, and how long an incident stays open without activity."""

    lateness_seconds: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 600.0
    inactivity_seconds: Annotated[float, msgspec.Meta(ge=1, le=31_536_000)] = 86_400.0


class SinkSettings(Section, frozen=True):
    """One destination of alerts. `type` is a sink of this installation; `target` is a secret: it may carry a token."""

    type: Text
    target: Secret
    encoder: Text = "native"
    secrets: list[Secret] = []
    min_severity: Literal["informational", "low", "medium", "high", "critical"] = "informational"


class SourceSettings(Section, frozen=True):
    """How `scan` reads records: the source's name or `auto`, and the realm of records that name none."""

    format: Text = "auto"
    realm: Text = "unknown"


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
    """Everything an operator chooses. `bundle` is a shipped name or a path; `detections` is keyed by detection id.

    `assets` is the path of an assets file (`assets.py`): what is known of the fleet besides its logs.
    """

    kafka: Kafka = Kafka()
    realms: Realms = Realms()
    source: SourceSettings = SourceSettings()
    timing: Timing = Timing()
    sinks: dict[SinkName, SinkSettings] = {}
    http: Http = Http()
    bundle: Text = "default"
    assets: Text | None = None
    detections: dict[str, DetectionSettings] = {}
    response: ResponseSettings = ResponseSettings()

    @property
    def digest(self) -> str:
        """16 hex digits over what can change an alert, and over nothing else: not the broker, not a port."""
        raw = {topic: (said.source, said.realm) for topic, said in self.kafka.raw.items()}
        decisive = (raw, self.source, self.bundle, self.detections, self.timing, self.realms)
        return hashlib.sha256(msgspec.json.encode(decisive, order="deterministic")).hexdigest()[:16]

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
    """Settings of a file or a folder of them (None: the defaults), an environment and flags (dotted path → value).

    The `*.yaml` files of a folder are layers in the order of their names, but for `assets.yaml`, which is none.

    Raises ConfigError with every problem as file:line:col, variable or flag.
    """
    return resolve(path, env, flags).settings


def resolve(path: Path | None, env: Mapping[str, str], flags: Mapping[str, Plain] | None = None) -> Resolved:
    """As `load_settings`, remembering which layer set what. Raises ConfigError."""
    layers = [] if path is None else [read_file(file) for file in _files(path)]
    known = schema()
    layers += [environment_layer(env, known), flags_layer(flags or {})]
    problems = [problem for layer in layers if layer.value != {} for problem in problems_of(layer, known)]
    if problems:
        raise ConfigError(problems)
    merged: dict[str, Plain] = {}
    origins = dict.fromkeys(leaves(msgspec.to_builtins(Settings())), "default")
    for layer in layers:
        tree = layer.value if isinstance(layer.value, dict) else {}
        _merge(merged, tree)
        origins |= {leaf: layer.place(key_path) for leaf, key_path in _leaf_paths(tree)}
    if problems := list(_unfinished(merged, origins)):
        raise ConfigError(problems)
    settings = msgspec.convert(merged, Settings)
    if problems := [*_shared_topics(settings.kafka, origins), *_unreadable_starts(settings.kafka, origins)]:
        raise ConfigError(problems)
    return Resolved(settings, origins)


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a settings file, with the names of this installation's sources, sinks and detections.

    Nothing is required: a file is one layer, and a secret it lacks may come from the environment.
    """
    _, parts = msgspec.json.schema_components([Settings], ref_template="#/$defs/{name}")
    top = parts.pop("Settings")
    top["properties"]["detections"]["propertyNames"] = {"enum": detection_ids()}
    for part, key in (("SourceSettings", "format"), ("RawTopic", "source")):
        parts[part]["properties"][key] = {"enum": ["auto", *source_names()], "default": "auto"}
    for key, family in (("type", sinks), ("encoder", encoders)):
        parts["SinkSettings"]["properties"][key] |= {"enum": _member_names(family.__path__)}
    parts["SinkSettings"]["required"] = []
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
    security = plain["kafka"]["security"]
    hidden = [(plain["response"]["webhook"], "url"), (security, "password"), (security, "client_secret")]
    for sink in plain["sinks"].values():
        hidden.append((sink, "target"))
        sink["secrets"] = ["(redacted)"] * len(sink["secrets"])
    for part, key in hidden:
        part[key] = "(redacted)" if part[key] is not None else None
    return plain


def leaves(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted path → value of every leaf; an empty mapping is a leaf."""
    return {leaf: _at(tree, key_path) for leaf, key_path in _leaf_paths(tree)}


def _unfinished(merged: Mapping[str, Plain], origins: Mapping[str, str]) -> Iterator[str]:
    """Sinks of which no layer says everything that a sink needs."""
    named = merged.get("sinks")
    for name, sink in named.items() if isinstance(named, dict) else ():
        for key in ("type", "target"):
            if not (isinstance(sink, dict) and key in sink):
                yield f"{_place(origins, f'sinks.{name}')}: sinks.{name}: expected a {key}, found none in any layer"


def _shared_topics(kafka: Kafka, origins: Mapping[str, str]) -> Iterator[str]:
    """Topics that two settings name: what one part of the detector writes there, another would misread."""
    named = {f"kafka.{key}": getattr(kafka, key) for key in ("uses", "alerts", "control", "dead_letters")}
    first: dict[str, str] = {}
    for key, topic in [*named.items(), *((f"kafka.raw.{topic}", topic) for topic in kafka.raw)]:
        if topic not in first:
            first[topic] = key
            continue
        keys = (key, first[topic])
        said, other = keys if _place(origins, key) != "default" else keys[::-1]
        yield f"{_place(origins, said)}: {said}: expected a topic of its own, found {topic!r}, which {other} names too"


def _unreadable_starts(kafka: Kafka, origins: Mapping[str, str]) -> Iterator[str]:
    """Times that have the form of one and are none, such as the 31st of June."""
    for topic, raw in kafka.raw.items():
        if raw.start in {"earliest", "latest"}:
            continue
        try:
            event_time(raw.start)
        except RecordError as error:
            key = f"kafka.raw.{topic}.start"
            yield f"{_place(origins, key)}: {key}: {error.detail}"


def _place(origins: Mapping[str, str], key: str) -> str:
    """Where a key, or the first thing below it, was set."""
    below = f"{key}."
    return origins.get(key) or next((place for leaf, place in origins.items() if leaf.startswith(below)), "default")


def _files(path: Path) -> list[Path]:
    """The settings files that a path stands for; assets are none. Raises ConfigError for a folder without any."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.glob("*.yaml") if file.name != "assets.yaml")
    if not found:
        raise ConfigError(f"{path}: expected a settings file, or a folder with *.yaml files; found a folder without")
    return found


def _member_names(path: Any) -> list[str]:
    return sorted(info.name for info in pkgutil.iter_modules(path) if info.name != "base" and not info.ispkg)


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
