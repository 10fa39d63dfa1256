"""Blocks: rows of a `UseBatch` in columns, the records of the `uses` topic. This text is the whole wire format.

A record value is one block: up to 4,096 rows of one partition, at most 900,000 bytes. A block says how long it is, so
blocks written one after the other are a file of blocks (`stream/block_files.py`). All numbers are little-endian,
`u8` to `u64` unsigned, `i8` to `i64` in two's complement.

    byte  0  4 bytes  magic: the ASCII letters USEB
          4  u32      version: 1 or 2
          8  u32      length of the block, this header included: 28 to 900,000
         12  u64      checksum: XXH3-64 with seed 0 of bytes 20 to the end of the block
         20  u32      rows: 1 to 4,096
         24  u32      size of the body before compression: at most 67,108,864 (64 MiB)
         28           the body as one Zstandard frame

    body     u32      number of texts in the table: at most 20 for each row, 23 in version 2
             TEXTS    the table: text 1, text 2, …; text 0 is the empty text and is not stored
             u8       number of columns
             columns  for each: u8 length of its name, its name in ASCII, its values
                      nothing follows the last column

What the values of a column are is decided by its name:

    TEXTS, one a row          native_id
    NUMBERS, texts of the     source ref_stream realm account principal session credential parent peer_group issuer
    table                     address client instance node channel region delivery action resource error
    NUMBERS, i64              raw_partition raw_offset ref_offset time append_time issued_at expires_at
    NUMBERS, u64              digest
    NUMBERS, i32              row use_index flags
    NUMBERS, i8               activity kind actor_class outcome

    NUMBERS, of version 2     provider environment owner: texts of the table

What they mean is said at `domain.UseBatch`. Columns come in any order, each at most once; in one that is missing every
row is 0 or the empty text. A name that is not listed was written by a newer version, and the block is refused: what a
reader leaves out could change an alert. Readers are upgraded before writers. A changed meaning is a new version. A
writer states the lowest version that has its columns, so that rows without enrichment are read by older readers too.

    NUMBERS  u8       order: 0 values, 1 differences (n > 0)
             u8       width of an offset in bytes: 0, 1, 2, 4 or 8
             u64      base
             u64      first value: with order 1 only
             offsets  unsigned: n with order 0, n - 1 with order 1; with the width 0 all are 0 and none is stored

These are n numbers: as many as rows or texts. With order 0, value[i] = base + offset[i]. With order 1, value[0] = first
and value[i] = value[i-1] + base + offset[i-1]. Sums are modulo 2^64, and signed types read them in two's complement.
A column of one value has the width 0, and so has one of equal steps, however many rows there are.

    TEXTS    NUMBERS  the length of each text in bytes
             bytes    the texts one after the other, in UTF-8; a lone surrogate as the three bytes it would have there
"""

from __future__ import annotations

import struct
from typing import Final

import cramjam
import xxhash

from detector.domain import StringTable, UseBatch
from detector.errors import BlockError, InternalError
from detector.stream.columns import NEWER, VERSIONS, pack, unpack, version_of

BLOCK_ROWS: Final = 4_096
BLOCK_LIMIT: Final = 900_000  # bytes of a block: below the megabyte that a broker takes unless told otherwise
BODY_LIMIT: Final = 64 << 20  # bytes of a body

HEADER: Final = 28  # bytes; from here on stands the body
_MAGIC: Final = b"USEB"
_START: Final = struct.Struct("<4sIIQ")  # magic, version, length, checksum of all that follows
_COUNTS: Final = struct.Struct("<II")  # rows, size of the body
_LEVEL: Final = 1  # of compression; level 3 takes twice the time for 3 % less


def encode(batch: UseBatch) -> list[bytes]:
    """The rows of a batch as blocks, in their order; no rows, no block.

    A block has `BLOCK_ROWS` rows if they fit, and one that would be too large becomes two halves. Raises InternalError
    for a single row that is too large: what a source may keep of a record is far less.
    """
    blocks: list[bytes] = []
    for start in range(0, len(batch), BLOCK_ROWS):
        blocks += _encoded(batch.take(slice(start, start + BLOCK_ROWS)))
    return blocks


def _encoded(batch: UseBatch) -> list[bytes]:
    body = pack(batch)
    if len(body) <= BODY_LIMIT:
        block = seal(len(batch), len(body), bytes(cramjam.zstd.compress(body, _LEVEL)), version_of(batch))
        if len(block) <= BLOCK_LIMIT:
            return [block]
    half = len(batch) // 2
    if not half:
        raise InternalError(
            f"one use takes {len(body)} bytes: expected at most {BLOCK_LIMIT} compressed; please report its source"
        )
    return _encoded(batch.take(slice(0, half))) + _encoded(batch.take(slice(half, None)))


def seal(rows: int, size: int, compressed: bytes, version: int = 1) -> bytes:
    """The block of a body: `rows` rows, `size` bytes before compression, with the columns of `version`."""
    checked = _COUNTS.pack(rows, size) + compressed
    return _START.pack(_MAGIC, version, _START.size + len(checked), xxhash.xxh3_64_intdigest(checked)) + checked


def block_length(start: bytes) -> int:
    """Length in bytes of the block that begins with `start`; its first `HEADER` bytes are enough.

    Raises BlockError unless a block of a version that is known here begins there.
    """
    if len(start) < HEADER:
        raise BlockError(f"byte {len(start)}: expected a header of {HEADER} bytes, found the end")
    magic, version, length, _ = _START.unpack_from(start)
    if magic != _MAGIC:
        raise BlockError(f"byte 0: expected {_MAGIC.hex()}, the magic of a block, found {magic.hex()}")
    if version not in VERSIONS:
        why = f", {NEWER}" if version > max(VERSIONS) else ""
        raise BlockError(f"byte 4: expected version {min(VERSIONS)} to {max(VERSIONS)}, found {version}{why}")
    if not HEADER <= length <= BLOCK_LIMIT:
        raise BlockError(f"byte 8: expected a length of {HEADER} to {BLOCK_LIMIT} bytes, found {length}")
    return int(length)


def decode(data: bytes, strings: StringTable) -> UseBatch:
    """The rows of one block. Its texts get codes of `strings`, a table that many blocks may share.

    Raises BlockError: what was expected and found, at which byte of the block or of its body, and no text of it. The
    caller adds where the block was.
    """
    length = block_length(data)
    if length != len(data):
        raise BlockError(f"byte 8: expected {length} bytes, the length that is stated, found {len(data)}")
    checked = memoryview(data)[_START.size :]
    _, version, _, stated = _START.unpack_from(data)
    computed = xxhash.xxh3_64_intdigest(checked)
    if computed != stated:
        raise BlockError(f"byte 12: expected the checksum {computed:016x}, found {stated:016x}: the block is damaged")
    rows, size = _COUNTS.unpack_from(checked)
    if not 1 <= rows <= BLOCK_ROWS:
        raise BlockError(f"byte 20: expected 1 to {BLOCK_ROWS} rows, found {rows}")
    if size > BODY_LIMIT:
        raise BlockError(f"byte 24: expected a body of at most {BODY_LIMIT} bytes, found {size}")
    return unpack(_inflated(checked[_COUNTS.size :], size), rows, strings, version)


def _inflated(compressed: memoryview, size: int) -> memoryview:
    """The body, in a buffer of exactly the size that was stated and found to be allowed."""
    body = bytearray(size)
    try:
        written = cramjam.zstd.decompress_into(compressed, body)
    except cramjam.DecompressionError as error:
        raise BlockError(f"byte {HEADER}: expected a body of {size} bytes in Zstandard: {error}") from None
    if written != size:
        raise BlockError(f"byte {HEADER}: expected a body of {size} bytes, found {written}")
    return memoryview(body)
