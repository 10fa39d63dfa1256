from __future__ import annotations

from pathlib import Path

import pytest

from detector.decode import RawRecord
from detector.errors import BlockError, InputError, UsageError
from detector.runtime.dump import dump_to
from detector.stream.block_files import BlockFile
from detector.stream.blocks import encode
from tests.rows import batch_of, row


def record(value: bytes, offset: int = 0) -> RawRecord:
    return RawRecord(value, "uses/0", offset)


def block(rows: int) -> bytes:
    (encoded,) = encode(batch_of(*[row(at) for at in range(rows)]))
    return encoded


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_each_partition_is_a_file_of_its_blocks_in_their_order(tmp_path: Path) -> None:
    first, second, third = (block(rows) for rows in (3, 1, 2))

    with dump_to(tmp_path / "a" / "dump", [0, 1, 2]) as dump:
        dump.write(0, [record(first)])
        dump.write(2, [record(third)])
        dump.write(0, [record(second)])

    folder = tmp_path / "a" / "dump"
    assert (folder / "uses-0.blocks").read_bytes() == first + second
    assert (folder / "uses-1.blocks").read_bytes() == b""
    assert names(folder) == {"uses-0.blocks", "uses-1.blocks", "uses-2.blocks"}
    assert (dump.blocks, dump.bytes) == ({0: 2, 2: 1}, {0: len(first + second), 2: len(third)})
    assert [len(batch) for batch in BlockFile(str(folder / "uses-0.blocks")).batches(100)] == [4]


def test_a_dump_that_was_broken_off_leaves_no_file(tmp_path: Path) -> None:
    def broken_off() -> None:
        with dump_to(tmp_path, [0, 1]) as dump:
            dump.write(0, [record(block(3))])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "damage", [lambda block: b"no block at all, but long enough", lambda block: block[:-1], lambda block: block + b"x"]
)
def test_a_record_that_is_no_block_ends_the_dump_with_its_place(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    bad = damage(block(3))

    with pytest.raises(BlockError, match=r"kafka uses/0 offset 17: expected a block"), dump_to(tmp_path, [0]) as dump:
        dump.write(0, [record(bad, offset=17)])

    assert names(tmp_path) == set()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match="--force"), dump_to(tmp_path, [0]):
        pass

    assert names(tmp_path) == {"notes.txt"}


def test_force_replaces_a_dump_whole_and_leaves_other_files(tmp_path: Path) -> None:
    for name in ("uses-0.blocks", "uses-7.blocks", "uses-1.blocks.partial", "notes.txt", "uses-x.blocks"):
        (tmp_path / name).write_text("old")

    with dump_to(tmp_path, [0], force=True):
        pass

    assert names(tmp_path) == {"uses-0.blocks", "notes.txt", "uses-x.blocks"}
    assert (tmp_path / "uses-0.blocks").read_bytes() == b""


def test_force_keeps_the_earlier_dump_when_the_new_one_is_broken_off(tmp_path: Path) -> None:
    (tmp_path / "uses-0.blocks").write_text("old")

    with pytest.raises(KeyboardInterrupt), dump_to(tmp_path, [0], force=True):
        raise KeyboardInterrupt

    assert (tmp_path / "uses-0.blocks").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="file"), dump_to(tmp_path / "file" / "dump", [0]):
        pass
