"""The body of a block: the columns of a batch as bytes, and back. The format is specified in `stream/blocks.py`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import COLUMNS, I32, NUMBER_COLUMNS, TEXT_COLUMNS, U64, StringTable, Texts, UseBatch
from detector.errors import BlockError

NEWER: Final = "written by a newer version: upgrade the readers (detect) before the writers (ingest)"

_ENRICHED: Final = frozenset({"provider", "environment", "owner"})
VERSIONS: Final = {1: frozenset(COLUMNS) - _ENRICHED, 2: frozenset(COLUMNS)}  # of the format → the columns it has

_VALUES, _DIFFERENCES = 0, 1
_WIDTHS: Final = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}  # bytes of an offset → its type
_COUNT: Final = struct.Struct("<I")
_NUMBERS: Final = struct.Struct("<BBQ")  # order, width, base
_FIRST: Final = struct.Struct("<Q")

Numbers = NDArray[Any]  # of any integer type


# -- writing -----------------------------------------------------------------------------------------------------------


def version_of(batch: UseBatch) -> int:
    """The lowest version that has the columns of `batch`."""
    return 2 if any(getattr(batch, name).any() for name in _ENRICHED) else 1


def pack(batch: UseBatch) -> bytes:
    """The body of a block with the rows of `batch`, uncompressed. Columns that are empty in every row are left out."""
    present: dict[str, Any] = {name: column for name in COLUMNS if (column := getattr(batch, name)).any()}
    used = np.zeros(len(batch.strings), np.bool_)
    for name in present.keys() & TEXT_COLUMNS:
        used[present[name]] = True
    used[0] = False  # the empty text is text 0 of every table
    codes = np.flatnonzero(used)
    place = np.zeros(len(used), np.int32)  # code in the table of the batch → text of the block
    place[codes] = np.arange(1, len(codes) + 1)
    parts = [_COUNT.pack(len(codes)), _texts([batch.strings.texts[code] for code in codes.tolist()])]
    parts.append(bytes([len(present)]))
    for name, column in present.items():
        parts.append(bytes([len(name)]) + name.encode("ascii"))
        if name == "native_id":
            parts.append(_texts(column.tolist()))
        else:
            parts.append(_numbers(column if name in NUMBER_COLUMNS else place[column]))
    return b"".join(parts)


def _texts(texts: Sequence[str]) -> bytes:
    data = "".join(texts)
    if data.isascii():  # as nearly all are: one text to encode, and lengths that need no encoding
        return _numbers(np.array([len(text) for text in texts], np.int64)) + data.encode("ascii")
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return _numbers(np.array([len(text) for text in encoded], np.int64)) + b"".join(encoded)


def _numbers(column: Numbers) -> bytes:
    """A column as differences where these are narrower than its values."""
    if not len(column):
        return _NUMBERS.pack(_VALUES, 0, 0)
    values = column.astype(np.uint64)
    base = int(column.min())
    width, offsets = _offsets(values, base)
    if width > 1:
        steps = np.diff(values)
        step = int(steps.view(np.int64).min())
        narrower, rest = _offsets(steps, step)
        if narrower < width:
            return _NUMBERS.pack(_DIFFERENCES, narrower, step % 2**64) + _FIRST.pack(int(values[0])) + rest
    return _NUMBERS.pack(_VALUES, width, base % 2**64) + offsets


def _offsets(values: U64, base: int) -> tuple[int, bytes]:
    """Width and bytes of the distances from `base`, the least of the values by the order of their own type."""
    offsets = values - np.uint64(base % 2**64)
    largest = int(offsets.max())
    if not largest:
        return 0, b""
    width = next(width for width in _WIDTHS if largest < 1 << 8 * width)
    return width, offsets.astype(_WIDTHS[width]).tobytes()


# -- reading -----------------------------------------------------------------------------------------------------------


def unpack(data: memoryview, rows: int, strings: StringTable, version: int) -> UseBatch:
    """The rows of a body of this version, their texts as codes of `strings`.

    Raises BlockError, with the byte of the body.

    What it allocates is bounded by `rows` and by the bytes that are there, whatever the body says.
    """
    body = _Body(data, rows, VERSIONS[version])
    codes = strings.codes(["", *body.table()])
    (count,) = body.take(1)
    columns: dict[str, Any] = {}
    for _ in range(count):
        name = body.name()
        if name in columns:
            raise body.error(f"each column once, found {name} again")
        if name == "native_id":
            columns[name] = body.native_ids()
        elif name in NUMBER_COLUMNS:
            columns[name] = body.column(NUMBER_COLUMNS[name])
        else:
            columns[name] = body.codes(codes)
    body.end()
    missing = {name: np.zeros(rows, NUMBER_COLUMNS.get(name, np.int32)) for name in COLUMNS if name not in columns}
    if "native_id" in missing:
        missing["native_id"] = np.full(rows, "", object)
    return UseBatch(strings, **columns, **missing)


class _Body:
    """A body of so many rows that may have these columns, read from its first byte to its last."""

    def __init__(self, data: memoryview, rows: int, columns: frozenset[str]) -> None:
        self._data = data
        self._rows = rows
        self._columns = columns
        self._at = 0

    def error(self, text: str) -> BlockError:
        """What is wrong just before the place that was read to."""
        return BlockError(f"byte {self._at} of the body: expected {text}")

    def take(self, size: int) -> memoryview:
        """The next bytes."""
        left = len(self._data) - self._at
        if size > left:
            raise self.error(f"{size} more bytes, found {left}")
        self._at += size
        return self._data[self._at - size : self._at]

    def table(self) -> list[str]:
        """The texts that codes of the block mean, from 1 on."""
        (count,) = _COUNT.unpack(self.take(_COUNT.size))
        most = self._rows * len(self._columns.intersection(TEXT_COLUMNS))
        if count > most:
            raise self.error(f"at most {most} texts for {self._rows} rows, found {count}")
        return self._texts(count)

    def name(self) -> str:
        """The name of the next column."""
        (length,) = self.take(1)
        name = bytes(self.take(length)).decode("ascii", "replace")
        if name not in self._columns:
            raise self.error(f"a column of this version, found one that is not, {NEWER}")
        return name

    def native_ids(self) -> Texts:
        """object[rows]: a text for each row."""
        column = np.empty(self._rows, object)
        column[:] = self._texts(self._rows)
        return column

    def codes(self, codes: I32) -> I32:
        """int32[rows]: texts of the block's table as codes of the shared one."""
        place = self._numbers(self._rows)
        if place.max() >= len(codes):
            raise self.error(f"a text of the {len(codes) - 1} in the table, found text {place.max()}")
        return codes[place]

    def column(self, dtype: Any) -> Numbers:
        """dtype[rows]: the next column of numbers."""
        values = self._numbers(self._rows)
        if dtype is np.uint64:
            return values
        signed = values.view(np.int64)
        limits = np.iinfo(dtype)
        if dtype is not np.int64 and not limits.min <= signed.min() <= signed.max() <= limits.max:
            raise self.error(f"numbers of {limits.bits} bits, found {signed.min()} to {signed.max()}")
        return signed.astype(dtype)

    def end(self) -> None:
        """Raise BlockError unless everything was read."""
        left = len(self._data) - self._at
        if left:
            raise self.error(f"the end of the body, found {left} more bytes")

    def _texts(self, count: int) -> list[str]:
        lengths = self._numbers(count)
        left = len(self._data) - self._at
        if count and lengths.max() > left:
            raise self.error(f"texts within the {left} bytes that follow, found one of {lengths.max()}")
        ends = [0, *accumulate(lengths.tolist())]
        data = bytes(self.take(ends[-1]))
        try:
            if data.isascii():
                text = data.decode("ascii")
                return [text[start:end] for start, end in pairwise(ends)]
            return [data[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]
        except UnicodeDecodeError as error:
            raise self.error(f"texts in UTF-8, found {error.reason}") from None

    def _numbers(self, count: int) -> U64:
        """uint64[count]: the next numbers."""
        order, width, base = _NUMBERS.unpack(self.take(_NUMBERS.size))
        if order not in ({_VALUES, _DIFFERENCES} if count else {_VALUES}) or width not in {0, *_WIDTHS}:
            raise self.error(f"order 0, or 1 of some numbers, and width 0, 1, 2, 4 or 8, found {order} and {width}")
        values = np.full(count, base, np.uint64)
        changing = values
        if order == _DIFFERENCES:
            (values[0],) = _FIRST.unpack(self.take(_FIRST.size))
            changing = values[1:]
        if width:
            changing += np.frombuffer(self.take(width * len(changing)), _WIDTHS[width])
        return values if order == _VALUES else np.cumsum(values)
