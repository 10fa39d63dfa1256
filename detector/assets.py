"""What an operator knows of the fleet, from `config/assets.yaml`: environments, owners, vendors, egress, exceptions.

All of it is optional. Every problem of the file and of the range files it names is reported at once, with its place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from detector.diagnose import problems_of
from detector.domain import DAY, SECOND
from detector.errors import ConfigError
from detector.fingerprint.ranges import Block, RangeTable
from detector.locate import KeyPath, Located, read_file
from detector.range_files import AsnDatabase, is_database, parsed_block, read_blocks

CORPORATE = "corporate:"
VENDOR = "vendor:"

Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Pattern: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, description="a text in which * stands for any characters")
]
Day: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="a day such as 2026-12-31")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a part of the file."""


class Place(Entry, frozen=True):
    """Which uses an entry is about: each list that is given must hold a pattern that matches."""

    realms: list[Pattern] = []
    accounts: list[Pattern] = []
    principals: list[Pattern] = []


class Environment(Place, frozen=True, kw_only=True):
    """A named environment; of several that match, the first in the file counts."""

    name: Text


class Owner(Place, frozen=True, kw_only=True):
    """A team and its principals; of several that match, the first in the file counts."""

    name: Text


class Vendor(Entry, frozen=True):
    """A third party: the principals it was given, the blocks it comes from, whom to call."""

    name: Text
    principals: list[Pattern]
    egress: list[Text] = []
    contact: Text | None = None


class Egress(Entry, frozen=True):
    """Where people and machines of the company leave to the internet."""

    name: Text
    blocks: list[Text]


class Toleration(Entry, frozen=True):
    """A documented exception for one credential: through this day (UTC) its incidents are counted and not sent."""

    date: Day
    reason: Text
    owner: Text

    @property
    def until(self) -> int:
        """Microseconds since 1970: the end of the day."""
        return _midnight(self.date) + DAY


class Grant(Entry, frozen=True):
    """Actions that principals are allowed, as of the snapshot. Kept for what compares use with grants."""

    principals: list[Pattern]
    actions: list[Pattern]


class RangeFile(Entry, frozen=True):
    """A file of ranges (`range_files.py`); `name` for a list whose blocks all belong to one."""

    file: Text
    name: Text | None = None


class AssetsFile(Entry, frozen=True):
    """The file as it is written."""

    environments: list[Environment] = []
    owners: list[Owner] = []
    vendors: list[Vendor] = []
    corporate_egress: list[Egress] = []
    tolerated_until: dict[Text, Toleration] = {}
    grants: list[Grant] = []
    ranges: list[RangeFile] = []


@dataclass(frozen=True, slots=True)
class Assets:
    """What enrichment and decision use. `digest` covers the file and the range files; empty without assets.

    `egress` holds the declared blocks (`corporate:NAME`, `vendor:NAME`), `ranges` those of the lists, both ask before
    `databases`, which are asked in their order.
    """

    file: AssetsFile = field(default_factory=AssetsFile)
    egress: RangeTable = field(default_factory=lambda: RangeTable(()))
    ranges: RangeTable = field(default_factory=lambda: RangeTable(()))
    databases: tuple[AsnDatabase, ...] = ()
    digest: str = ""

    @property
    def tolerated(self) -> Mapping[str, Toleration]:
        """Credential id → its toleration."""
        return self.file.tolerated_until


NOTHING: Final = Assets()


def known_assets(path: str | None) -> Assets:
    """The assets that a setting names; none where it names none. Raises ConfigError as `load`."""
    return load(Path(path).expanduser()) if path is not None else NOTHING


def load(path: Path) -> Assets:
    """Read and check assets. Paths of range files are relative to the file's folder.

    Raises ConfigError with every problem as file:line:col.
    """
    located = read_file(path)
    problems = problems_of(located, schema()) if located.value != {} else list(located.problems)
    if problems:
        raise ConfigError(problems)
    file = msgspec.convert(located.value, AssetsFile)
    declared: list[tuple[Block, str]] = []
    problems = [*_egress(file, located, declared), *_repeated_names(file, located), *_wrong_days(file, located)]
    total = hashlib.sha256(msgspec.json.encode(file, order="deterministic"))
    listed: list[tuple[Block, str]] = []
    databases: list[AsnDatabase] = []
    for at, said in enumerate(file.ranges):
        target = path.parent / said.file
        try:
            if is_database(target):
                databases.append(AsnDatabase(target))
            else:
                listed += read_blocks(target, said.name or "")
            total.update(target.read_bytes())
        except ConfigError as error:
            problems += [f"{located.place(('ranges', at, 'file'))}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return Assets(file, RangeTable(declared), RangeTable(listed), tuple(databases), total.hexdigest()[:16])


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of an assets file."""
    _, parts = msgspec.json.schema_components([AssetsFile], ref_template="#/$defs/{name}")
    top = parts.pop("AssetsFile")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": "detector assets",
        "$defs": parts,
    }


def matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    """Matches a text that fits one of the patterns whole; `*` stands for any characters, everything else for itself."""
    return re.compile("|".join(".*".join(map(re.escape, one.split("*"))) for one in patterns), re.DOTALL)


def _egress(file: AssetsFile, located: Located, declared: list[tuple[Block, str]]) -> Iterator[str]:
    """Fill `declared`; yields blocks that are none, or that two names claim."""
    said: list[tuple[KeyPath, str, str]] = []
    for at, one in enumerate(file.corporate_egress):
        said += [
            (("corporate_egress", at, "blocks", n), block, CORPORATE + one.name) for n, block in enumerate(one.blocks)
        ]
    for at, vendor in enumerate(file.vendors):
        said += [(("vendors", at, "egress", n), block, VENDOR + vendor.name) for n, block in enumerate(vendor.egress)]
    owner: dict[Block, str] = {}
    for path, text, name in said:
        try:
            block = parsed_block(text)
        except ValueError as error:
            yield f"{located.place(path)}: expected a CIDR block such as 198.51.100.0/24, found {text[:60]!r}: {error}"
            continue
        if owner.setdefault(block, name) != name:
            place = located.place(path)
            yield f"{place}: expected a block of one owner, found {text}, which is {owner[block]} too; keep one"
        declared.append((block, name))


def _repeated_names(file: AssetsFile, located: Located) -> Iterator[str]:
    """Vendors and corporate networks are told apart by their names."""
    sections: tuple[tuple[str, Sequence[Vendor | Egress]], ...] = (
        ("vendors", file.vendors),
        ("corporate_egress", file.corporate_egress),
    )
    for section, entries in sections:
        first: dict[str, int] = {}
        for at, one in enumerate(entries):
            if first.setdefault(one.name, at) != at:
                before = located.place((section, first[one.name], "name"))
                place = located.place((section, at, "name"))
                yield f"{place}: {one.name} is named twice, first at {before}; put it into one entry"


def _wrong_days(file: AssetsFile, located: Located) -> Iterator[str]:
    """Days that have the form of one and are none."""
    for credential, one in file.tolerated_until.items():
        try:
            _midnight(one.date)
        except ValueError:
            place = located.place(("tolerated_until", credential, "date"))
            yield f"{place}: expected a day of the calendar, found {one.date}"


def _midnight(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp()) * SECOND
