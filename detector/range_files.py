"""Files that say whose addresses are whose: CIDR lists as text or JSON, and MMDB databases of AS numbers.

    *.json   an object: name → a CIDR block or a list of them
    *.mmdb   a database like GeoLite2-ASN; an address is named `AS64500`
    others   lines: CIDR NAME, or only CIDR where the list has one name; from `#` on a comment

The only maxminddb import.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import maxminddb
import msgspec

from detector.errors import ConfigError
from detector.fingerprint.network import parsed_address
from detector.fingerprint.ranges import Block
from detector.locate import Plain

MOST_PROBLEMS: Final = 20  # told of one file
_MOST_BYTES: Final = 256 << 20
_MEMO: Final = 1 << 18  # addresses remembered of one database


def is_database(path: Path) -> bool:
    """Whether the file is an MMDB by its name."""
    return path.suffix == ".mmdb"


def read_blocks(path: Path, name: str = "") -> list[tuple[Block, str]]:
    """The blocks of a list with their names, in its order; `name` is the one of a list that has a single one.

    Raises ConfigError with every problem (the first 20) as file:line, or file and key.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path}: expected at most {_MOST_BYTES} bytes of ranges; is it the right file?")
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable list of ranges: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 at byte {error.start}; a database's name ends in .mmdb") from error
    entries = _json_entries(path, text) if path.suffix == ".json" else _text_entries(path, text, name)
    blocks: list[tuple[Block, str]] = []
    problems: list[str] = []
    for place, block, owner in entries:
        try:
            blocks.append((parsed_block(block), owner))
            if not owner:
                problems.append(f"{place}: expected CIDR NAME, found no name; write one, or give the list a `name`")
        except ValueError as error:
            problems.append(f"{place}: expected a CIDR block such as 198.51.100.0/24, found {block[:60]!r}: {error}")
    if problems:
        more = len(problems) - MOST_PROBLEMS
        raise ConfigError([*problems[:MOST_PROBLEMS], *([f"{path}: and {more} more problems"] if more > 0 else [])])
    return blocks


def parsed_block(text: str) -> Block:
    """A CIDR block, a single address being one of its own. Raises ValueError, with what is wrong."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        if "has host bits set" in str(error):
            raise ValueError(
                f"it has host bits set; did you mean {ipaddress.ip_network(text, strict=False)}?"
            ) from None
        raise ValueError("it is none") from None


def _json_entries(path: Path, text: str) -> Iterator[tuple[str, str, str]]:
    """Place, block and name of each entry. Raises ConfigError for another shape."""
    try:
        tree: Plain = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: expected an object, name -> CIDR blocks; not valid JSON: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected an object, name -> CIDR blocks, found something else")
    for name, listed in tree.items():
        for at, block in enumerate(listed if isinstance(listed, list) else [listed]):
            yield (
                f"{path}: {name}[{at}]",
                block if isinstance(block, str) else msgspec.json.encode(block).decode(),
                name,
            )


def _text_entries(path: Path, text: str, name: str) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        block, _, owner = line.split("#", 1)[0].strip().replace("\t", " ").partition(" ")
        if block:
            yield f"{path}:{number}", block, owner.strip() or name


class AsnDatabase:
    """Names addresses by the AS number of an MMDB database. Remembers a bounded number of answers.

    Raises ConfigError when the file is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memo: dict[str, str] = {}
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged, or none"
            raise ConfigError(f"{path}: expected a readable MMDB database: {why}; check the path") from error

    def provider(self, address: str) -> str:
        """`AS64500`, or the empty text where the database does not know the address. Raises ConfigError if damaged."""
        known = self._memo.get(address)
        if known is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            known = self._memo[address] = self._found(address)
        return known

    def _found(self, address: str) -> str:
        parsed = parsed_address(address)
        if parsed is None or (parsed.version == 6 and self._reader.metadata().ip_version == 4):
            return ""
        try:
            record: Any = self._reader.get(parsed)
        except maxminddb.InvalidDatabaseError as error:
            raise ConfigError(f"{self._path}: expected a sound MMDB database, found damage; fetch it again") from error
        number = record.get("autonomous_system_number") if isinstance(record, dict) else None
        return f"AS{number}" if isinstance(number, int) else ""
