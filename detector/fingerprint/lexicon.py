"""Lexicon: the texts behind hashes, for explanations only; bounded, in two windows that turn at closes.

What a lookup finds must not depend on how rows were cut into batches, so texts of the running epoch are found from
the row on that brought them.
"""

from __future__ import annotations

from typing import Final

from detector.domain import I32, U64, StringTable

_WINDOW: Final = 262_144


class Lexicon:
    """hash → text."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._window = window
        self._now: dict[int, str] = {}
        self._before: dict[int, str] = {}
        self._epoch: dict[int, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._now) + len(self._before)

    def note(self, keys: U64, codes: I32, strings: StringTable, first_row: int) -> None:
        """Remember the text `codes[i]` of `strings` under `keys[i]`; row i of the slice is row `first_row + i`."""
        first = dict(zip(keys[::-1].tolist(), range(len(keys) - 1, -1, -1), strict=True))  # the first row of each key
        for key in first.keys() - self._epoch.keys() - {0}:
            row = first[key]
            self._epoch[key] = (strings.texts[codes[row]], first_row + row)

    def text(self, key: int, row: int) -> str:
        """The text of a hash as of a row of the running epoch; empty when it is not known (any more)."""
        found = self._now.get(key) or self._before.get(key)
        if found is None:
            text, since = self._epoch.get(key, ("", 0))
            found = text if since <= row else ""
        return found

    def turn(self) -> None:
        """At a close: keep what the epoch used, and start a new window when the current one is full."""
        for key, (text, _) in self._epoch.items():
            self._now[key] = text
        self._epoch.clear()
        if len(self._now) >= self._window:
            self._before, self._now = self._now, {}
