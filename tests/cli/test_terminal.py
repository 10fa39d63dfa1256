from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cli.terminal import safe, severity, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl/8", "curl/8"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("line\nbreak\r", r"line\x0abreak\x0d"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202edef", r"abc\u202edef"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\udcff", r"\udcff"),
        ("Zürich 東京", "Zürich 東京"),
    ],
)
def test_what_could_act_on_a_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_shown_is_a_control_a_format_or_a_surrogate_that_acts(text: str) -> None:
    shown = visible(text)

    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)
    assert not any(
        unicodedata.bidirectional(character) in {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"} for character in shown
    )
    shown.encode()


def test_brackets_in_a_text_are_no_markup() -> None:
    assert safe("[bold red]x[/]").plain == "[bold red]x[/]"


def test_a_severity_of_another_version_is_shown_without_colour() -> None:
    assert severity("high").style == "bold red"
    assert severity("apocalyptic").plain == "apocalyptic"
