"""Replays and handovers planted into real CloudTrail: clones of real records with other people, places and times.

Of each of three kinds (long-lived keys, instance sessions, assumed sessions) ten principals get six days of history
and two peers' networks; five are then replayed, five hand over.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Record = dict[str, Any]

START = datetime(2024, 7, 1, tzinfo=UTC)  # among the real records, which run from 2013 to 2026
THEFT = START + timedelta(days=6)
HOMES = ("198.51.100", "192.0.2")
SDK = "Boto3/1.34.51 md/Botocore#1.34.51 md/awscrt#0.20.5 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.6"
TOOL = "python-requests/2.31.0"


@dataclass(frozen=True)
class Planted:
    """Lines to add to the real ones, and which principals were replayed from where, or handed over."""

    lines: list[bytes]
    replayed: dict[str, str]  # principal → the thief's address
    handed_over: list[str]


def cloudtrail_files(corpora: Path) -> list[Path]:
    """Every CloudTrail file of the corpora."""
    named = ["cribl-cloudtrail/cloudtrail.jsonl", "trailscraper/cloudtrail.jsonl", "plaso/aws_cloudtrail.jsonl",
             "panther/aws_cloudtrail.jsonl", "streamalert/cloudtrail_cloudwatch.jsonl"]  # fmt: skip
    found = [corpora / name for name in named]
    found += sorted((corpora / "stratus-red-team").glob("aws.*.jsonl"))
    found += sorted((corpora / "permiso-console" / "sessions").glob("*"))
    return found


def plant(corpora: Path) -> Planted:
    """Clone real records of each kind into histories, replays and handovers."""
    found = Planted([], {}, [])
    kinds: list[tuple[str, Record, Callable[..., Record]]] = [
        ("key", _first(corpora / "cribl-cloudtrail" / "cloudtrail.jsonl", _is_user_key), _user),
        ("instance", _first(corpora / "panther" / "aws_cloudtrail.jsonl", _is_instance), _instance),
        ("assumed", _first(corpora / "panther" / "aws_cloudtrail.jsonl", _is_assumed), _assumed),
    ]
    for kind, real, make in kinds:
        for number in range(10):
            records = _history(real, make, number)
            principal = f"{kind}-{number}"
            if number < 5:
                thief = f"203.0.{113 + number}.66"
                records += _replay(real, make, number, thief)
                found.replayed[principal] = thief
            else:
                records += _handover(real, make, number)
                found.handed_over.append(principal)
            found.lines.extend(json.dumps(record).encode() for record in records)
    return found


def _history(real: Record, make: Callable[..., Record], number: int) -> list[Record]:
    return [
        make(real, number, START + timedelta(hours=hour, minutes=3 * number), _home(number), SDK)
        for hour in range(0, 6 * 24, 4)
    ]


def _replay(real: Record, make: Callable[..., Record], number: int, thief: str) -> list[Record]:
    """Victim and thief in turn, for an hour."""
    start = THEFT + timedelta(hours=2 * number)
    return [
        record
        for turn in range(6)
        for record in (
            make(real, number, start + timedelta(minutes=10 * turn), _home(number), SDK),
            make(real, number, start + timedelta(minutes=10 * turn + 4), thief, TOOL),
        )
    ]


def _handover(real: Record, make: Callable[..., Record], number: int) -> list[Record]:
    """A…A, then B…B for ever: a prefix its peers use, the same client; instances come with a new id and key."""
    start = THEFT + timedelta(hours=2 * number)
    there = f"{HOMES[(number + 1) % 2]}.{200 + number}"
    before = [make(real, number, start + timedelta(minutes=5 * turn), _home(number), SDK) for turn in range(6)]
    after = [make(real, number, start + timedelta(minutes=30 + 5 * turn), there, SDK, moved=True) for turn in range(6)]
    return before + after


def _home(number: int) -> str:
    return f"{HOMES[number % 2]}.{10 + number}"


def _clone(real: Record, at: datetime, address: str, client: str) -> Record:
    record = copy.deepcopy(real)
    record["eventTime"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    record["eventID"] = ""  # set by the callers, when the identity is known
    record["sourceIPAddress"], record["userAgent"] = address, client
    record.pop("errorCode", None)
    record.pop("errorMessage", None)
    return record


def _named(record: Record) -> Record:
    unnamed = json.dumps(record, sort_keys=True)
    record["eventID"] = str(uuid.uuid5(uuid.NAMESPACE_OID, unnamed))
    return record


def _user(real: Record, number: int, at: datetime, address: str, client: str, *, moved: bool = False) -> Record:
    del moved  # the key stays what it is
    record = _clone(real, at, address, client)
    account = record["userIdentity"]["accountId"]
    record["userIdentity"] |= {
        "arn": f"arn:aws:iam::{account}:user/key-{number}",
        "userName": f"key-{number}",
        "principalId": f"AIDAEXAMPLEKEY{number}",
        "accessKeyId": f"AKIAEXAMPLEPLANT{number:04d}",
    }
    return _named(record)


def _role(record: Record, name: str, session: str, key: str) -> Record:
    account = record["userIdentity"]["accountId"]
    record["userIdentity"] |= {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "principalId": f"AROAEXAMPLE:{session}",
        "accessKeyId": key,
    }
    context = record["userIdentity"].setdefault("sessionContext", {})
    context["sessionIssuer"] = {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{name}"}
    context["attributes"] = {"mfaAuthenticated": "false", "creationDate": record["eventTime"]}
    return _named(record)


def _instance(real: Record, number: int, at: datetime, address: str, client: str, *, moved: bool = False) -> Record:
    record = _clone(real, at, address, client)
    which = f"i-0abc{number:04d}{'f' if moved else '0'}12345678"
    quarter = int((at - START) / timedelta(hours=6))
    return _role(record, f"instance-{number}", which, f"ASIAINST{number:02d}{int(moved)}{quarter:05d}")


def _assumed(real: Record, number: int, at: datetime, address: str, client: str, *, moved: bool = False) -> Record:
    del moved  # the session goes on elsewhere
    record = _clone(real, at, address, client)
    half_day = int((at - START) / timedelta(hours=12))
    return _role(record, f"assumed-{number}", "worker", f"ASIAROLE{number:02d}{half_day:06d}")


def _first(path: Path, wanted: Callable[[Record], bool]) -> Record:
    return next(record for record in _records(path) if wanted(record))


def _records(path: Path) -> Iterator[Record]:
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if isinstance(record.get("userIdentity"), dict):
            yield record


def _is_user_key(record: Record) -> bool:
    identity = record["userIdentity"]
    by_key = identity.get("type") == "IAMUser" and identity.get("accessKeyId", "").startswith("AKIA")
    return bool(by_key and record["eventName"] != "ConsoleLogin")


def _is_instance(record: Record) -> bool:
    return ":i-" in str(record["userIdentity"].get("principalId"))


def _is_assumed(record: Record) -> bool:
    identity = record["userIdentity"]
    if record.get("sessionCredentialFromConsole") or "invokedBy" in identity:
        return False
    kept = identity.get("type") == "AssumedRole" and identity.get("accessKeyId", "").startswith("ASIA")
    return kept and "accountId" in identity and not _is_instance(record) and "AWSReservedSSO" not in identity["arn"]
