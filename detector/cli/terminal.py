"""How commands speak to a terminal: consoles, colours, and texts made safe to print.

Logs carry texts an attacker chose. Nothing of them reaches a terminal as a control sequence: `visible` shows them.
rich is imported when a console is made, so that `--help` stays quick.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Controls (C0, DEL, C1), soft hyphen, zero-width and bidirectional marks, line separators, surrogates, byte order mark.
_UNSAFE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)

_PIPED_WIDTH: Final = 120  # columns of a table that no terminal bounds

SEVERITY_STYLE: Final = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}


def visible(text: str) -> str:
    r"""`text` with every character that could act on a terminal written as `\x1b` or `\u202e`."""
    return _UNSAFE.sub(_written, text)


def safe(text: str, style: str = "") -> Text:
    """`text` made visible, as rich text: brackets in it are no markup."""
    from rich.text import Text  # noqa: PLC0415 - see the module's docstring

    return Text(visible(text), style=style)


def paragraph(lines: Sequence[str]) -> Text:
    """Lines below each other, each made visible; the first stands out."""
    first, *others = lines
    text = safe(first, "bold")
    for line in others:
        text.append(f"\n{visible(line)}", "dim not bold")
    return text


def severity(word: str) -> Text:
    """A severity in its colour."""
    return safe(word, SEVERITY_STYLE.get(word, ""))


def stdout(file: TextIO | None = None) -> Console:
    """The console of data, on stdout unless `file` is given: coloured on a terminal only, honouring NO_COLOR."""
    from rich.console import Console  # noqa: PLC0415 - see the module's docstring

    width = None if (file or sys.stdout).isatty() else _PIPED_WIDTH
    return Console(file=file, width=width, highlight=False, emoji=False, markup=False)


def stderr() -> Console:
    """The console of talk, as `stdout()`."""
    from rich.console import Console  # noqa: PLC0415 - see the module's docstring

    return Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
