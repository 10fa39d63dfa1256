"""Third-party logs as they lie in a folder: read in place, the labels joined, the attack tool's name masked.

A *case* is a labelled set of records that belong together: a technique, or the samples of one published rule. A
*stream* is benign, or mostly so. Publishers rewrote addresses, accounts and regions; what that broke stays broken.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from detector.errors import InputError
from detector.simulate.arrivals import Record
from detector.simulate.clients import Sdk

CLOUDTRAIL: Final = "cloudtrail"
KUBERNETES: Final = "kubernetes.cluster"
TECHNIQUES: Final = "stratus"  # the corpus of recorded detonations

_TOOL: Final = re.compile(rb"stratus-red-team_[0-9a-f-]{36}")  # how Stratus Red Team signs its requests
_SDK: Final = Sdk.first("go").agent().encode()  # what the tool is built with, as anybody's program sends it
_ATTACK: Final = "attack_detonation"
_SESSIONS: Final = "permiso-console"

# Corpora whose samples are labelled by rule: (name, log, records, labels).
_RULES: Final = (
    ("panther", CLOUDTRAIL, "panther/aws_cloudtrail.jsonl"),
    ("panther-k8s", KUBERNETES, "panther/k8s_eks_audit.jsonl"),
    ("streamalert", CLOUDTRAIL, "streamalert/cloudtrail_cloudwatch.jsonl"),
)
_PLAIN: Final = (
    ("cribl-cloudtrail", CLOUDTRAIL, "cribl-cloudtrail/cloudtrail.jsonl"),
    ("trailscraper", CLOUDTRAIL, "trailscraper/cloudtrail.jsonl"),
    ("plaso", CLOUDTRAIL, "plaso/aws_cloudtrail.jsonl"),
    ("opensearch-sa", CLOUDTRAIL, "opensearch-sa/cloudtrail-sample.jsonl"),
    ("audit2rbac-k8s", KUBERNETES, "audit2rbac-k8s/demo.jsonl"),
    ("falco-k8s-audit", KUBERNETES, "falco-k8s-audit/audit.jsonl"),
)
_FLATTENED: Final = ("perfspec-k8s", KUBERNETES, "perfspec-k8s/audit-logs.first60.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Case:
    """Labelled records of one technique or rule, in the order of their file; `attack` says which are malicious."""

    corpus: str
    name: str
    records: tuple[Record, ...]
    attack: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """Records that nobody calls malicious."""

    name: str
    records: tuple[Record, ...]


class _Label(msgspec.Struct, frozen=True):
    """A line of a label file; publishers have different fields."""

    line: int
    technique: str = ""
    label: str = ""
    rule_id: str = ""
    expected: bool = False
    trigger_rules: list[str] | None = None

    @property
    def rule(self) -> str:
        """The rule the sample belongs to; "" = none."""
        return self.rule_id or ", ".join(self.trigger_rules or ())

    @property
    def matches(self) -> bool:
        """Whether the rule is said to match it."""
        return self.expected or bool(self.trigger_rules)


def cases(folder: Path) -> list[Case]:
    """Every labelled case under `folder`. Raises InputError for a file that can't be read."""
    found = []
    stratus = folder / "stratus-red-team"
    attacks: dict[str, set[int]] = {}
    for label in _labels(stratus / "labels.jsonl"):
        lines = attacks.setdefault(label.technique, set())
        if label.label == _ATTACK:
            lines.add(label.line)
    for technique in sorted(attacks):
        records = _records(stratus / f"{technique}.jsonl", CLOUDTRAIL)
        attack = tuple(line in attacks[technique] for line in range(1, len(records) + 1))
        found.append(Case(TECHNIQUES, technique, records, attack))
    return found + [case for corpus, log, path in _RULES for case in _by_rule(folder / path, corpus, log)]


def streams(folder: Path) -> list[Stream]:
    """Every stream under `folder`, those samples that rules are said to ignore among them. Raises InputError."""
    found = [Stream(name, _records(folder / path, log)) for name, log, path in _PLAIN]
    for corpus, log, path in _RULES:
        records, labels = _records(folder / path, log), _labels(_labels_of(folder / path))
        quiet = tuple(records[label.line - 1] for label in labels if not label.matches)
        found.append(Stream(f"{corpus}, samples rules ignore", quiet))
    name, log, path = _FLATTENED
    found.append(Stream(f"{name}, nested again", tuple(_nested(one) for one in _records(folder / path, log))))
    sessions = sorted((folder / _SESSIONS / "sessions").glob("*.jsonl"))
    found += [Stream(_SESSIONS, _records(file, CLOUDTRAIL)) for file in sessions]
    return [one for one in _joined(found) if one.records]


def _joined(parts: Iterable[Stream]) -> list[Stream]:
    """Streams of one name as one."""
    records: dict[str, list[Record]] = {}
    for part in parts:
        records.setdefault(part.name, []).extend(part.records)
    return [Stream(name, tuple(found)) for name, found in records.items()]


def _by_rule(path: Path, corpus: str, log: str) -> list[Case]:
    """The samples of each rule that is said to match one of them."""
    records, rules = _records(path, log), dict[str, list[_Label]]()
    for label in _labels(_labels_of(path)):
        if label.rule:
            rules.setdefault(label.rule, []).append(label)
    return [
        Case(corpus, rule, tuple(records[one.line - 1] for one in labels), tuple(one.matches for one in labels))
        for rule, labels in sorted(rules.items())
        if any(one.matches for one in labels)
    ]


def _labels_of(path: Path) -> Path:
    return path.with_name(path.name.replace(".jsonl", ".labels.jsonl"))


def _labels(path: Path) -> list[_Label]:
    try:
        return [msgspec.json.decode(line, type=_Label) for line in _lines(path)]
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: expected a label on each line, found: {error}") from error


def _records(path: Path, log: str) -> tuple[Record, ...]:
    """One record a line; files carry no arrival. None of a file that is not there."""
    return tuple(Record(log, 0, _TOOL.sub(_SDK, line)) for line in _lines(path))


def _lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []  # a folder may hold some corpora and not others
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: expected a corpus to read, found: {error}") from error


def _nested(record: Record) -> Record:
    """An audit event that a forwarder flattened (`user.username`), in the shape the API server writes."""
    found: dict[str, Any] = {}
    for key, value in msgspec.json.decode(record.data, type=dict[str, str]).items():
        *path, last = key.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = int(value) if key == "responseStatus.code" and value else value
    return record._replace(data=msgspec.json.encode(found))
