from __future__ import annotations

from pathlib import Path

import pytest

from detector.assets import Assets, known_assets, load, matcher
from detector.domain import DAY
from detector.errors import ConfigError
from detector.records import event_time
from detector.resources import config_dir
from tests.mmdb import write_mmdb

WHOLE = """
environments:
  - {name: production, accounts: ["111122223333"], realms: ["prod-*"]}
owners:
  - {name: payments, principals: ["arn:aws:iam::*:role/payments/*"]}
vendors:
  - {name: backup-saas, principals: ["*/vendor/backup"], egress: [192.0.2.0/25], contact: soc@vendor.example}
corporate_egress:
  - {name: HQ, blocks: [203.0.113.0/28, "2001:db8:100::/48"]}
tolerated_until:
  AKIAIOSFODNN7EXAMPLE: {date: 2026-12-31, reason: moves to a role, owner: payments}
grants:
  - {principals: ["arn:aws:iam::*:role/payments/*"], actions: ["s3:Get*"]}
ranges:
  - {file: ranges.json}
  - {file: exits.txt, name: anonymiser}
  - {file: asn.mmdb}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ranges.json").write_text('{"cloud": ["198.18.0.0/15"]}')
    (tmp_path / "exits.txt").write_text("192.0.2.200\n")
    write_mmdb(tmp_path / "asn.mmdb", {"198.51.100.0/24": 64500})
    (tmp_path / "assets.yaml").write_text(WHOLE)
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with this file, its path left out."""
    (folder / "assets.yaml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(folder / "assets.yaml")
    return [problem.replace(f"{folder}/", "") for problem in raised.value.problems]


def test_a_whole_file_is_read_with_the_files_it_names(folder: Path) -> None:
    assets = load(folder / "assets.yaml")

    assert assets.egress.names == ("", "corporate:HQ", "vendor:backup-saas")
    assert assets.ranges.names == ("", "cloud", "anonymiser")
    assert [database.provider("198.51.100.7") for database in assets.databases] == ["AS64500"]
    assert assets.file.grants[0].actions == ["s3:Get*"]
    assert assets.file.environments[0].accounts == ["111122223333"]


def test_a_toleration_ends_with_its_day(folder: Path) -> None:
    (one,) = load(folder / "assets.yaml").tolerated.values()

    assert one.until == event_time("2026-12-31T00:00:00Z") + DAY


def test_the_shipped_file_and_an_empty_one_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    for path in (config_dir() / "assets.yaml", tmp_path / "empty.yaml"):
        found = load(path)
        assert found.file == Assets().file
        assert (len(found.egress), len(found.ranges), found.databases) == (0, 0, ())
    assert known_assets(None).digest == ""


def test_the_examples_of_the_shipped_file_are_valid(tmp_path: Path) -> None:
    """Each example in its comments, in the place of the empty value below it."""
    lines = (config_dir() / "assets.yaml").read_text().splitlines()
    sections = {line.split(":")[0] for line in lines if line.endswith((": []", ": {}"))}
    examples: list[str] = []
    inside = False
    for line in lines:
        inside = line.startswith("#") and (inside or line[2:].removesuffix(":") in sections)
        examples += [line[2:]] if inside else []
    (tmp_path / "assets.yaml").write_text("\n".join(examples))
    (tmp_path / "ranges.json").write_text("{}")
    (tmp_path / "exits.txt").write_text("")
    write_mmdb(tmp_path / "GeoLite2-ASN.mmdb", {"198.51.100.0/24": 64500})

    file = load(tmp_path / "assets.yaml").file
    assert all(getattr(file, name) for name in file.__struct_fields__)


def test_the_digest_changes_with_what_is_said_and_with_the_range_files(folder: Path) -> None:
    digests = {load(folder / "assets.yaml").digest}
    (folder / "ranges.json").write_text('{"cloud": ["198.18.0.0/16"]}')
    digests.add(load(folder / "assets.yaml").digest)
    (folder / "assets.yaml").write_text(WHOLE.replace("payments", "orders"))
    digests.add(load(folder / "assets.yaml").digest)

    assert len(digests) == 3


def test_every_problem_is_told_at_once_with_its_place(folder: Path) -> None:
    text = """\
vendors:
  - {name: one, principals: ["*"], egress: [192.0.2.1/24]}
  - {name: one, principals: ["x"]}
corporate_egress:
  - {name: HQ, blocks: [203.0.113.0/28]}
  - {name: branch, blocks: [203.0.113.0/28, nowhere]}
tolerated_until:
  KEY: {date: 2026-02-30, reason: r, owner: o}
ranges:
  - {file: none.txt}
"""
    told = problems(folder, text)

    assert told == [
        "assets.yaml:6:29: expected a block of one owner, found 203.0.113.0/28, which is corporate:HQ too; keep one",
        "assets.yaml:6:45: expected a CIDR block such as 198.51.100.0/24, found 'nowhere': it is none",
        (
            "assets.yaml:2:45: expected a CIDR block such as 198.51.100.0/24, found '192.0.2.1/24': "
            "it has host bits set; did you mean 192.0.2.0/24?"
        ),
        "assets.yaml:3:12: one is named twice, first at assets.yaml:2:12; put it into one entry",
        "assets.yaml:8:15: expected a day of the calendar, found 2026-02-30",
        "assets.yaml:10:12: none.txt: expected a readable list of ranges: No such file or directory; check the path",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("vendor: []", "assets.yaml:1:1: vendor is no setting; did you mean vendors?"),
        ("vendors:\n- {name: x}", "assets.yaml:2:3: vendors.0: expected"),
        (
            "owners:\n- {name: '', principals: [x]}",
            "assets.yaml:2:10: owners.0.name: expected a text that is not empty",
        ),
        ("tolerated_until: {KEY: {date: soon, reason: r, owner: o}}", "expected a day such as 2026-12-31"),
        ("tolerated_until: {KEY: {date: 2026-12-31, owner: o}}", "assets.yaml:1:24: tolerated_until.KEY: expected"),
        ("ranges: ranges.json", "assets.yaml:1:9: ranges: expected a list, found the text 'ranges.json'"),
        ("[]", "expected a section of keys, found a list"),
    ],
)
def test_what_is_no_assets_file_is_refused_with_what_was_meant(folder: Path, text: str, problem: str) -> None:
    (told,) = problems(folder, text)
    assert problem in told


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("arn:aws:iam::*:role/web/*", "arn:aws:iam::111122223333:role/web/a/b", True),
        ("arn:aws:iam::*:role/web/*", "arn:aws:iam::111122223333:role/worker", False),
        ("a.c", "abc", False),
        ("*", "", True),
        ("web", "web-1", False),
        ("web*", "web\n1", True),
    ],
)
def test_a_star_stands_for_any_characters_and_nothing_else_does(pattern: str, text: str, fits: bool) -> None:  # noqa: FBT001 - a case of the table
    assert bool(matcher(["never", pattern]).fullmatch(text)) is fits
