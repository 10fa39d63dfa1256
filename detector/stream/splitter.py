"""A stream of JSON cut into records while holding at most one of them.

For what is too large, or too damaged, to decode as a whole: pretty-printed or one-line documents, arrays, envelopes
(`{"Records": […]}`, or `{"kind": "EventList", "items": […]}` in this order), and values one after the other. A record
is an object at the top, in a top-level array, or in the list of an envelope. A whole string is one token, so the cost
is per token and linear in the bytes.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from detector.envelopes import KIND_LIST_KEY, LIST_KEYS, LIST_KIND
from detector.records import RECORD_LIMIT

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]"]', re.DOTALL)  # a lone quote: its string has not ended yet
_STRING_END: Final = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STRING_LIMIT: Final = 1 << 16  # an unended string is looked at again when more arrives; beyond this it is skipped
_KEYS: Final = frozenset(f'"{key}"'.encode() for key in LIST_KEYS)
_KIND_LIST_KEY: Final = f'"{KIND_LIST_KEY}"'.encode()
_NOWHERE: Final = 1 << 30  # a depth no object opens at


class Piece(NamedTuple):
    """One record. `whole` is False for one that is too large (no `data`) or that the input cuts off."""

    data: bytes
    size: int
    whole: bool


class Splitter:
    """Feed bytes, get records; `finish` tells what was left open."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0  # how far the buffer has been read
        self._depth = 0  # brackets that are open
        self._level = 0  # records open at this depth
        self._start = -1  # where the open record begins in the buffer; -1 when none is open
        self._dropped = 0  # bytes of the open record that were let go because it is too large
        self._in_string = False
        self._key = b""  # the last whole string
        self._of_kind = False  # the value at the top says that it is a list

    def feed(self, data: bytes) -> list[Piece]:
        """The records that end in `data`."""
        self._buffer += data
        found: list[Piece] = []
        while (not self._in_string or self._skip_string()) and self._tokens(found):
            pass
        self._let_go()
        return found

    def finish(self) -> Piece | None:
        """The record that was still open, cut off; None when the input ended between records."""
        if self._start < 0:
            return None
        rest = self._buffer[self._start :]
        return Piece(b"" if self._dropped else rest, self._dropped + len(rest), whole=False)

    def _skip_string(self) -> bool:
        """Read on in a long string; whether its end has arrived."""
        end = _STRING_END.match(self._buffer, self._at)
        if end is not None:
            self._at, self._in_string = end.end(), False
            return True
        slashes = len(self._buffer) - len(self._buffer.rstrip(b"\\"))
        self._at = max(self._at, len(self._buffer) - slashes % 2)  # an escape may be cut in two
        return False

    def _tokens(self, found: list[Piece]) -> bool:
        """Read tokens to the end of the buffer; True when a long string was entered and can be skipped."""
        for token in _TOKEN.finditer(self._buffer, self._at):
            text = token[0]
            if text == b'"':
                self._in_string = len(self._buffer) - token.start() > _STRING_LIMIT
                self._at = token.end() if self._in_string else token.start()
                return self._in_string
            self._at = token.end()
            if len(text) > 1:
                self._key = text
                if text == LIST_KIND and self._depth == 1:
                    self._of_kind = True
            elif text in b"{[":
                self._open(text, token.start())
            else:
                self._close(token.end(), found)
        self._at = len(self._buffer)
        return False

    def _open(self, bracket: bytes, at: int) -> None:
        if bracket == b"{":
            if self._start < 0 and self._depth == self._level:
                self._start, self._dropped = at, 0
        elif self._depth == 0:
            self._level = 1
        elif self._depth == 1 and self._level in {0, _NOWHERE} and self._names_list():
            self._start, self._level = -1, 2  # what was open is an envelope, not a record
        self._depth += 1

    def _names_list(self) -> bool:
        return self._key in _KEYS or (self._of_kind and self._key == _KIND_LIST_KEY)

    def _close(self, end: int, found: list[Piece]) -> None:
        self._depth = max(0, self._depth - 1)
        if self._start >= 0 and self._depth == self._level:
            data = self._buffer[self._start : end]
            size = self._dropped + len(data)
            found.append(Piece(data, size, whole=True) if size <= RECORD_LIMIT else Piece(b"", size, whole=False))
            self._start = -1
        if self._depth == 0:
            self._level, self._of_kind = 0, False
        elif self._depth == 1 and self._level == 2:
            self._level = _NOWHERE  # the envelope's list has ended; what follows belongs to the envelope

    def _let_go(self) -> None:
        """Forget what has been read, but for the open record as long as it is not too large."""
        keep = self._at
        if self._start >= 0:
            if self._dropped + len(self._buffer) - self._start > RECORD_LIMIT:
                self._dropped += self._at - self._start
                self._start = 0
            else:
                keep, self._start = self._start, 0
        self._buffer = self._buffer[keep:]
        self._at -= keep
