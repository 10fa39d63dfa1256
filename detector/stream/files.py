"""Files, directories, globs and standard input, read once from start to end with bounded memory.

A file is lines (NDJSON, one record or envelope each) or a document (one JSON value, an array, an envelope, or several
values in a row, on one line or pretty-printed); which, is decided by how it begins. Gzip is recognised by its first
bytes. Whatever cannot be read is a dead letter with its place, and the rest is still read.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from detector.decode import DeadLetter, RawRecord, dead_letter
from detector.envelopes import items
from detector.errors import InputError, RecordError
from detector.records import RECORD_LIMIT
from detector.stream.splitter import Piece, Splitter

SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".log", ".gz")  # what is read of a directory
STDIN: Final = "-"

_CHUNK: Final = 1 << 20  # bytes read, inflated and cut into lines at a time
_DOCUMENT_LIMIT: Final = 32 << 20  # a document up to this size is decoded as a whole
_BATCH: Final = 1_024  # records of a document per chunk
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_ANY: Final = msgspec.json.Decoder(msgspec.Raw)
# A first line that only opens brackets: `{`, `[`, `[{`, `{"Records": [`, `{"detail": {`.
_OPENING: Final = re.compile(rb'\s*(?:\[\s*\{?|\{\s*(?:"[^"]*"\s*:\s*(?:\[\s*\{?|\{))?)\s*')


@dataclass(frozen=True, slots=True)
class FileChunk:
    """Some records, what could not be read between them, and the bytes read so far of all files (as on disk)."""

    records: list[RawRecord]
    rejected: list[DeadLetter]
    bytes_read: int


class FileStream:
    """The records of files. `RawRecord.offset` is the line, or the number of the record in a document, from 1.

    `total_bytes` is the size of all files on disk, None when standard input is among them.
    Raises InputError when a path names nothing that can be read.
    """

    def __init__(self, paths: Sequence[str], *, stdin: BinaryIO | None = None) -> None:
        self.files = find_files(paths)
        self.total_bytes = None if STDIN in self.files else sum(file_size(Path(file)) for file in self.files)
        self._stdin = stdin
        self._bytes_read = 0

    def __iter__(self) -> Iterator[FileChunk]:
        """Read everything, file after file. Raises InputError when a file cannot be opened or read on."""
        for file in self.files:
            try:
                with nullcontext(self._stdin or sys.stdin.buffer) if file == STDIN else Path(file).open("rb") as handle:
                    yield from self._file("stdin" if file == STDIN else file, handle)
            except OSError as error:
                raise InputError(
                    f"{file}: cannot be read: {error.strerror or error}; check the path and its rights"
                ) from None

    def _file(self, name: str, handle: BinaryIO) -> Iterator[FileChunk]:
        cutter: _Lines | _Document | None = None
        damage: list[DeadLetter] = []
        for data in self._inflated(name, handle, damage):
            if cutter is None:
                start = data.removeprefix(_BOM)
                cutter = _Document(name) if _begins_document(start, whole=len(data) < _CHUNK) else _Lines(name)
                data = start  # noqa: PLW2901 - without its mark
            for records, rejected in cutter.feed(data):
                yield FileChunk(records, rejected, self._bytes_read)
        if cutter is not None:
            for records, rejected in cutter.finish():
                yield FileChunk(records, rejected, self._bytes_read)
        yield FileChunk([], damage, self._bytes_read)

    def _inflated(self, name: str, handle: BinaryIO, damage: list[DeadLetter]) -> Iterator[bytes]:
        """The content in chunks of `_CHUNK` bytes, the last one shorter; what ends it early goes to `damage`."""
        gathered = b""
        try:
            for data in _gunzipped(self._read(handle)):
                gathered += data
                while len(gathered) >= _CHUNK:
                    yield gathered[:_CHUNK]
                    gathered = gathered[_CHUNK:]
        except RecordError as error:
            damage.append(dead_letter(name, self._bytes_read, b"", error))
        if gathered:
            yield gathered

    def _read(self, handle: BinaryIO) -> Iterator[bytes]:
        while data := handle.read(_CHUNK):
            self._bytes_read += len(data)
            yield data


def find_files(paths: Sequence[str], suffixes: Sequence[str] = SUFFIXES) -> list[str]:
    """The files that paths, directories and globs name, each once, in order; a directory's sorted by path.

    Of a directory, those that end in one of `suffixes`.

    Raises InputError for a path that does not exist, a directory or a glob without a file.
    """
    found: dict[str, None] = {}
    for text in paths:
        path = Path(text)
        if text == STDIN:
            files = [STDIN]
        elif path.is_dir():
            files = sorted(str(file) for file in path.rglob("*") if file.is_file() and file.suffix in suffixes)
            if not files:
                raise InputError(f"{text}: no file in it ends in {', '.join(suffixes)}; name the files themselves")
        elif path.exists():
            files = [text]
        elif any(mark in text for mark in "*?["):
            root = Path(path.anchor)
            files = sorted(str(file) for file in root.glob(str(path.relative_to(root))) if not file.is_dir())
            if not files:
                raise InputError(f"{text}: no file matches; check the pattern, and quote it from the shell")
        else:
            raise InputError(
                f"{text}: no such file or directory; give a file, a directory, a glob or - for standard input"
            )
        found.update(dict.fromkeys(files))
    return list(found)


def file_size(file: Path) -> int:
    """Bytes on disk. Raises InputError when the file cannot be looked at."""
    try:
        return file.stat().st_size
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}; check the path and its rights") from None


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks as they are, or inflated when they begin like gzip; no more than `_CHUNK` bytes each.

    Raises RecordError (truncated_gzip, bad_gzip) after all that could be read.
    """
    first = next(chunks, b"")
    if not first.startswith(_GZIP):
        yield first
        yield from chunks
        return
    rest = first
    while rest:
        if not rest.startswith(_GZIP[: len(rest)]):
            raise RecordError("bad_gzip", "expected another gzip member, found other bytes after the end of one")
        rest = (yield from _member(rest, chunks)).lstrip(b"\0")  # zeros pad, as tapes do
        while not rest and (data := next(chunks, b"")):
            rest = data.lstrip(b"\0")


def _member(data: bytes, chunks: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """Inflate one gzip member that begins with `data`; returns what follows it. Raises RecordError."""
    member = zlib.decompressobj(wbits=31)
    while True:
        try:
            inflated = member.decompress(data, _CHUNK)
        except zlib.error as error:
            raise RecordError("bad_gzip", str(error)) from None
        if inflated:
            yield inflated
        if member.eof:
            return member.unused_data
        data = member.unconsumed_tail
        if not data and len(inflated) < _CHUNK:  # else more of what was taken in may come out
            data = next(chunks, b"")
            if not data:
                raise RecordError("truncated_gzip", "the compressed data ends before its end mark")


def _begins_document(start: bytes, *, whole: bool) -> bool:
    """Whether content that begins with `start` (all of it if `whole`) is a document rather than lines."""
    lines = [line for line in start.split(b"\n") if line.strip()]
    if not lines or lines[0].strip()[:1] not in {b"{", b"["}:
        return False
    if len(lines) == 1:
        return whole or len(start) >= _CHUNK
    try:
        _ANY.decode(lines[0])
    except (msgspec.DecodeError, RecursionError):
        return bool(_OPENING.fullmatch(lines[0])) or lines[1].strip()[:1] != b"{"
    return False


Cut = tuple[list[RawRecord], list[DeadLetter]]


class _Lines:
    """Content cut at line ends. A line beyond the size of a record may still be an envelope: it is split."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0
        self._carry = b""
        self._long: Splitter | None = None
        self._found = False

    def feed(self, data: bytes) -> Iterator[Cut]:
        cut: Cut = ([], [])
        lines = (self._carry + data).split(b"\n")
        self._carry = lines.pop()
        for line in lines:
            self._end(line, cut)
        if self._long is not None or len(self._carry) > RECORD_LIMIT:
            self._more(self._carry, cut)
            self._carry = b""
        yield cut

    def finish(self) -> Iterator[Cut]:
        cut: Cut = ([], [])
        if self._carry or self._long is not None:
            self._end(self._carry, cut)
        yield cut

    def _end(self, line: bytes, cut: Cut) -> None:
        """A line is complete with `line`, the rest of it."""
        if self._long is not None or len(line) > RECORD_LIMIT:
            self._more(line, cut)
            self._end_of_long(cut)
        else:
            self._number += 1
            if line.strip():
                cut[0].append(RawRecord(line, self._name, self._number))

    def _more(self, part: bytes, cut: Cut) -> None:
        """Part of a line that is too long to be one record."""
        if self._long is None:
            self._long, self._found = Splitter(), False
            self._number += 1
        for piece in self._long.feed(part):
            self._found = True
            _place(piece, self._name, self._number, cut)

    def _end_of_long(self, cut: Cut) -> None:
        open_piece = self._long.finish() if self._long is not None else None
        if open_piece is not None:
            _place(open_piece, self._name, self._number, cut)
        elif not self._found:
            error = RecordError("oversize", f"expected at most {RECORD_LIMIT} bytes in a line without records")
            cut[1].append(dead_letter(self._name, self._number, b"", error))
        self._long = None


class _Document:
    """Content that is one value, or several: decoded as a whole while it is small, cut as it comes otherwise."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._splitter: Splitter | None = None

    def feed(self, data: bytes) -> Iterator[Cut]:
        if self._splitter is None:
            self._parts.append(data)
            self._size += len(data)
            if self._size <= _DOCUMENT_LIMIT:
                return
            self._splitter = Splitter()
            parts, self._parts = self._parts, []
        else:
            parts = [data]
        for part in parts:
            yield self._cut(self._splitter.feed(part))

    def finish(self) -> Iterator[Cut]:
        if self._splitter is None:
            document = b"".join(self._parts)
            self._parts = []
            try:
                records = items(document)
            except RecordError:
                self._splitter = Splitter()
                yield self._cut(self._splitter.feed(document))
            else:
                records = [document] if records is None else records
                for first in range(0, len(records), _BATCH):
                    yield self._cut([Piece(data, len(data), whole=True) for data in records[first : first + _BATCH]])
        if self._splitter is not None:
            rest = self._splitter.finish()
            yield self._cut([] if rest is None else [rest])

    def _cut(self, pieces: list[Piece]) -> Cut:
        cut: Cut = ([], [])
        for piece in pieces:
            self._number += 1
            _place(piece, self._name, self._number, cut)
        return cut


def _place(piece: Piece, name: str, number: int, cut: Cut) -> None:
    """A piece to the records, or what it is to the rejects."""
    if piece.whole:
        cut[0].append(RawRecord(piece.data, name, number))
        return
    if piece.size > RECORD_LIMIT:
        error = RecordError("oversize", f"expected at most {RECORD_LIMIT} bytes, found {piece.size}")
    else:
        error = RecordError("not_json", f"the record ends early, after {piece.size} bytes")
    cut[1].append(dead_letter(name, number, piece.data, error, size=piece.size))
