from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.range_files import MOST_PROBLEMS, AsnDatabase, is_database, parsed_block, read_blocks
from tests.mmdb import write_mmdb


def listed(path: Path, name: str = "") -> list[tuple[str, str]]:
    return [(str(block), owner) for block, owner in read_blocks(path, name)]


def problems(path: Path, name: str = "") -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_blocks(path, name)
    return [problem.removeprefix(str(path)) for problem in raised.value.problems]


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_json_list_is_names_with_one_block_or_several(tmp_path: Path) -> None:
    path = write(tmp_path, "ranges.json", '{"cloud": ["198.18.0.0/16", "2001:db8::/48"], "hosting-7": "192.0.2.0/24"}')

    assert listed(path) == [("198.18.0.0/16", "cloud"), ("2001:db8::/48", "cloud"), ("192.0.2.0/24", "hosting-7")]


def test_a_text_list_has_a_block_and_a_name_a_line_and_comments(tmp_path: Path) -> None:
    path = write(tmp_path, "ranges.txt", "# whose\n198.18.0.0/16\tcloud one\n\n192.0.2.7 exit # a single address\n")

    assert listed(path) == [("198.18.0.0/16", "cloud one"), ("192.0.2.7/32", "exit")]


def test_a_list_of_one_owner_needs_no_name_in_its_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "exits.txt", "192.0.2.7\n192.0.2.8 other\n")

    assert listed(path, "anonymiser") == [("192.0.2.7/32", "anonymiser"), ("192.0.2.8/32", "other")]
    assert problems(path) == [":1: expected CIDR NAME, found no name; write one, or give the list a `name`"]


def test_every_wrong_line_is_told_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "ranges.txt", "192.0.2.7/24 a\n192.0.2.0/24 b\nnowhere c\n")

    first, second = problems(path)
    assert first.startswith(":1: expected a CIDR block such as 198.51.100.0/24, found '192.0.2.7/24': ")
    assert first.endswith("it has host bits set; did you mean 192.0.2.0/24?")
    assert second == ":3: expected a CIDR block such as 198.51.100.0/24, found 'nowhere': it is none"


def test_a_list_that_is_all_wrong_does_not_fill_the_screen(tmp_path: Path) -> None:
    told = problems(write(tmp_path, "ranges.txt", "x y\n" * 100))

    assert len(told) == MOST_PROBLEMS + 1
    assert told[-1] == ": and 80 more problems"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "expected an object, name -> CIDR blocks, found something else"),
        ("{", "not valid JSON"),
        ('{"cloud": [7]}', "cloud[0]: expected a CIDR block such as 198.51.100.0/24, found '7'"),
        ('{"": "192.0.2.0/24"}', "expected CIDR NAME, found no name"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems(write(tmp_path, "ranges.json", text))[0]


def test_a_list_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")

    assert "expected a readable list of ranges: No such file" in problems(tmp_path / "none.txt")[0]
    assert "expected UTF-8 at byte 0" in problems(tmp_path / "binary.txt")[0]


def test_a_database_names_addresses_by_their_as_number(tmp_path: Path) -> None:
    path = write_mmdb(
        tmp_path / "asn.mmdb", {"198.18.0.0/15": 64500, "192.0.2.0/25": 4_200_000_000, "10.0.0.0/8": None}
    )
    database = AsnDatabase(path)

    assert is_database(path)
    for _ in range(2):  # found, then remembered
        assert database.provider("198.19.3.4") == "AS64500"
        assert database.provider("::ffff:192.0.2.9") == "AS4200000000"
        for unknown in ("192.0.2.200", "10.1.1.1", "2001:db8::1", "no address", ""):
            assert database.provider(unknown) == ""


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "asn.mmdb", "not a database")
    for wrong, why in ((path, "it is damaged, or none"), (tmp_path / "none.mmdb", "No such file")):
        with pytest.raises(ConfigError, match="expected a readable MMDB database") as raised:
            AsnDatabase(wrong)
        assert why in str(raised.value)


def test_a_single_address_is_a_block() -> None:
    assert parsed_block("192.0.2.7") == ipaddress.ip_network("192.0.2.7/32")
