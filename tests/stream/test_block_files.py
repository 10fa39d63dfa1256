"""Files of blocks: every row in its order whatever the cut, bounded, and damage said by file and byte."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from detector.domain import StringTable, UseBatch, UseRow
from detector.errors import InputError
from detector.stream.block_files import BlockFile, find_block_files
from detector.stream.blocks import encode

SIZES = (1, 5, 2, 40, 1, 1, 30, 20)  # rows of the blocks of a file: 100


def block(first: int, rows: int) -> bytes:
    """A block of rows numbered from `first` on."""
    uses = [UseRow(f"id-{at}", "use", at, principal=f"svc-{at % 7}") for at in range(first, first + rows)]
    (data,) = encode(UseBatch.from_rows(uses, StringTable()))
    return data


def content(sizes: Sequence[int] = SIZES) -> list[bytes]:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return [block(start, rows) for start, rows in zip(starts, sizes, strict=True)]


def write(path: Path, blocks: Sequence[bytes]) -> str:
    path.write_bytes(b"".join(blocks))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "uses-3.blocks", content())


def rows(batches: Sequence[UseBatch]) -> list[tuple[str, int, str]]:
    return [
        (batch.native_id[at], int(batch.time[at]), batch.text("principal", at))
        for batch in batches
        for at in range(len(batch))
    ]


EXPECTED = [(f"id-{at}", at, f"svc-{at % 7}") for at in range(100)]


@pytest.mark.parametrize("size", [1, 3, 7, 40, 99, 100, 101, 4096])
def test_rows_come_in_their_order_so_many_at_a_time_whatever_the_blocks(file: str, size: int) -> None:
    found = list(BlockFile(file).batches(size))

    assert rows(found) == EXPECTED
    assert {len(batch) for batch in found[:-1]} <= {size}
    assert 0 < len(found[-1]) <= size


@pytest.mark.parametrize("texts", [0, 3, 6])
def test_the_table_of_texts_is_replaced_and_no_text_changes(file: str, texts: int) -> None:
    found = list(BlockFile(file, texts=texts).batches(7))

    assert rows(found) == EXPECTED
    assert len({id(batch.strings) for batch in found}) > 1
    assert all(len(batch) <= 7 for batch in found)
    assert max(len(batch.strings) for batch in found) <= texts + 9  # one more block: a source and seven principals


def test_the_bytes_that_were_read_say_how_far_it_is(file: str) -> None:
    read = BlockFile(file)
    seen = [read.bytes_read for _ in read.batches(1)]

    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] == read.size == Path(file).stat().st_size


def test_standard_input_is_a_file_of_unknown_size() -> None:
    piped = BlockFile("-", stdin=io.BytesIO(b"".join(content())))

    assert piped.size is None
    assert rows(list(piped.batches(50))) == EXPECTED


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert list(BlockFile(write(tmp_path / "uses-0.blocks", [])).batches(10)) == []


@pytest.mark.parametrize("size", [1, 60, 1_000])
@pytest.mark.parametrize("damaged", [0, 4, len(SIZES) - 1])
def test_damage_is_said_by_file_and_byte_after_every_row_before_it(tmp_path: Path, damaged: int, size: int) -> None:
    blocks = content()
    at = sum(map(len, blocks[:damaged]))
    blocks[damaged] = blocks[damaged][:-1] + bytes([blocks[damaged][-1] ^ 1])
    name = write(tmp_path / "uses-1.blocks", blocks)

    found: list[UseBatch] = []
    with pytest.raises(InputError, match=rf"{name}: byte {at}: .*checksum .*dump the partition again"):
        found.extend(BlockFile(name).batches(size))
    assert rows(found) == EXPECTED[: sum(SIZES[:damaged])]


def test_a_file_that_ends_in_a_block_is_said_to_be_cut_short(tmp_path: Path) -> None:
    whole = b"".join(content())
    start = len(whole) - len(content()[-1])
    for end in (start + 1, start + 28, len(whole) - 1):
        name = write(tmp_path / "cut.blocks", [whole[:end]])
        with pytest.raises(InputError, match=rf"byte {start}: .*expected .* found"):
            list(BlockFile(name).batches(10))


def test_a_log_is_not_taken_for_blocks(tmp_path: Path) -> None:
    name = write(tmp_path / "log.json", [b'{"Records": [' + b" " * 100])
    with pytest.raises(InputError, match=r"byte 0: .*magic of a block, found 7b225265"):
        list(BlockFile(name).batches(10))


def test_the_files_of_a_folder_are_its_dumps_in_order_of_their_names(tmp_path: Path, file: str) -> None:
    other = write(tmp_path / "uses-1.blocks", content())
    write(tmp_path / "notes.json", [b"{}"])

    assert [found.name for found in find_block_files([str(tmp_path)])] == [other, file]
    assert [found.name for found in find_block_files([file, str(tmp_path), "-"])] == [file, other, "stdin"]


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, file: str) -> None:
    with pytest.raises(InputError, match=r"missing\.blocks: no such file"):
        find_block_files([str(tmp_path / "missing.blocks")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no file in it ends in \.blocks"):
        find_block_files([str(tmp_path / "empty")])
    gone = BlockFile(file)
    Path(file).unlink()
    with pytest.raises(InputError, match=r"uses-3\.blocks: cannot be read: No such file"):
        list(gone.batches(1))
