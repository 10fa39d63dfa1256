"""Files: every shape gives the same records with their places, and damage costs only what is damaged."""

from __future__ import annotations

import gzip
import io
import json
import random
from pathlib import Path

import pytest

from detector.errors import InputError
from detector.records import RECORD_LIMIT
from detector.stream import files as module
from detector.stream.files import FileStream, find_files

RECORDS = [b'{"n":%d,"text":"\\u00e9 } ["}' % at for at in range(5)]


def read(*paths: Path | str, stdin: io.BytesIO | None = None) -> tuple[list[tuple[int, bytes]], list[tuple[int, str]]]:
    stream = FileStream([str(path) for path in paths], stdin=stdin)
    records, rejected, progress = [], [], [0]
    for chunk in stream:
        records += [(record.offset, record.value) for record in chunk.records]
        rejected += [(letter.offset, letter.reason) for letter in chunk.rejected]
        progress.append(chunk.bytes_read)
    assert progress == sorted(progress)
    assert stream.total_bytes in {None, progress[-1]}
    return records, rejected


def write(folder: Path, data: bytes, name: str = "log.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


LINES = b"\n".join(RECORDS)
SHAPES = {
    "lines": LINES + b"\n",
    "lines without a last end": LINES,
    "lines of Windows": LINES.replace(b"\n", b"\r\n"),
    "array": b"[" + b",".join(RECORDS) + b"]",
    "envelope": b'{"Records":[' + b",".join(RECORDS) + b"]}",
    "envelope over lines": b'{"Records": [\n' + b",\n".join(RECORDS) + b"\n]}\n",
    "array over lines": b"[\n" + b",\n".join(RECORDS) + b"\n]\n",
    "mark": b"\xef\xbb\xbf" + LINES,
    "gzip": gzip.compress(LINES),
    "gzip in members": gzip.compress(RECORDS[0] + b"\n") + gzip.compress(b"\n".join(RECORDS[1:])),
    "values in a row": b"".join(RECORDS),
    "envelopes in a row": b'{"Records":[' + b",".join(RECORDS[:2]) + b']}{"Records":[' + b",".join(RECORDS[2:]) + b"]}",
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_gives_the_same_records_with_their_numbers(shape: str, tmp_path: Path) -> None:
    records, rejected = read(write(tmp_path, SHAPES[shape]))
    assert [(offset, value.strip()) for offset, value in records] == list(enumerate(RECORDS, start=1))
    assert rejected == []


def test_a_pretty_printed_envelope_is_read(tmp_path: Path) -> None:
    document = json.dumps({"Records": [json.loads(record) for record in RECORDS]}, indent=4).encode()
    records, rejected = read(write(tmp_path, document))
    assert [json.loads(value) for _, value in records] == [json.loads(record) for record in RECORDS]
    assert rejected == []


def test_one_object_is_one_record_pretty_or_not(tmp_path: Path) -> None:
    for indent in (None, 2):
        document = json.dumps({"detail": {"a": 1}}, indent=indent).encode()
        assert read(write(tmp_path, document)) == ([(1, document)], [])


def test_blank_lines_count_and_give_nothing(tmp_path: Path) -> None:
    assert read(write(tmp_path, b'{"a":1}\n\n  \n{"b":2}')) == ([(1, b'{"a":1}'), (4, b'{"b":2}')], [])
    assert read(write(tmp_path, b"")) == ([], [])


def test_a_damaged_line_stays_a_line_of_its_own(tmp_path: Path) -> None:
    records, _ = read(write(tmp_path, b'{"a":\n{"b":2}\n}{\n{"c":3}\n'))
    assert [offset for offset, _ in records] == [1, 2, 3, 4]


def test_a_half_written_gzip_keeps_what_was_read_and_says_so_once(tmp_path: Path) -> None:
    shuffled = [b'{"n":%d}' % random.Random(at).getrandbits(256) for at in range(20_000)]  # noqa: S311 - incompressible
    whole = gzip.compress(b"\n".join(shuffled))
    records, rejected = read(write(tmp_path, whole[: len(whole) // 2]))
    assert len(records) > 5_000
    assert [value for _, value in records[:-1]] == shuffled[: len(records) - 1]
    assert [reason for _, reason in rejected] == ["truncated_gzip"]


def test_gzip_with_other_bytes_behind_it_is_read_and_told(tmp_path: Path) -> None:
    data = gzip.compress(LINES)
    assert [reason for _, reason in read(write(tmp_path, data + b"garbage"))[1]] == ["bad_gzip"]
    assert read(write(tmp_path, data + b"\0" * 64))[1] == []
    assert [reason for _, reason in read(write(tmp_path, b"\x1f\x8bgarbage garbage"))[1]] == ["bad_gzip"]


def test_a_line_that_is_too_long_is_refused_at_its_place(tmp_path: Path) -> None:
    long = b'{"pad":"' + b"x" * (3 * RECORD_LIMIT) + b'"}'
    records, rejected = read(write(tmp_path, b'{"a":1}\n' + long + b"\n" + b"z" * (2 * RECORD_LIMIT) + b'\n{"b":2}\n'))
    assert records == [(1, b'{"a":1}'), (4, b'{"b":2}')]
    assert rejected == [(2, "oversize"), (3, "oversize")]


def test_a_long_line_that_is_an_envelope_is_split(tmp_path: Path) -> None:
    many = [b'{"n":%d}' % at for at in range(300_000)]
    records, rejected = read(write(tmp_path, b'{"a":1}\n{"Records":[' + b",".join(many) + b']}\n{"b":2}\n'))
    assert [value for _, value in records] == [b'{"a":1}', *many, b'{"b":2}']
    assert {offset for offset, _ in records} == {1, 2, 3}
    assert rejected == []


@pytest.mark.parametrize("limit", [1, 1 << 20, 32 << 20])
def test_a_large_document_is_cut_as_it_comes(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DOCUMENT_LIMIT", limit)
    many = [b'{"n":%d,"t":"%s"}' % (at, b"y" * (at % 90)) for at in range(40_000)]
    path = write(tmp_path, gzip.compress(b'{"Records":[' + b",".join(many) + b"]}"), "log.json.gz")
    records, rejected = read(path)
    assert records == list(enumerate(many, start=1))
    assert rejected == []


def test_a_document_that_ends_early_gives_its_whole_records(tmp_path: Path) -> None:
    records, rejected = read(write(tmp_path, b'{"Records":[{"a":1},{"b":2},{"c":'))
    assert records == [(1, b'{"a":1}'), (2, b'{"b":2}')]
    assert rejected == [(3, "not_json")]


def test_standard_input_is_a_file_of_unknown_size() -> None:
    records, _ = read("-", stdin=io.BytesIO(gzip.compress(LINES)))
    assert len(records) == len(RECORDS)
    assert FileStream(["-"], stdin=io.BytesIO()).total_bytes is None


def test_directories_globs_and_repeated_paths_name_each_file_once(tmp_path: Path) -> None:
    inside = tmp_path / "2026" / "10"
    inside.mkdir(parents=True)
    names = [write(inside, b"{}", name) for name in ("b.json.gz", "a.jsonl", "c.log")]
    write(inside, b"{}", "notes.txt")
    expected = sorted(str(name) for name in names)
    assert find_files([str(tmp_path)]) == expected
    assert find_files([str(tmp_path / "**" / "*.json*"), str(names[0])]) == expected[:2]


@pytest.mark.parametrize("name", ["missing.json", "none-*.json", "empty"])
def test_a_path_that_names_nothing_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name.replace("*", r"\*")):
        FileStream([str(tmp_path / name)])


def test_a_file_that_goes_away_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, LINES)
    stream = FileStream([str(path)])
    path.unlink()
    with pytest.raises(InputError, match=r"log\.json"):
        list(stream)
