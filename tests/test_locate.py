from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError
from detector.locate import read_file, read_scalar, read_text, read_value


def test_every_key_and_value_knows_its_place() -> None:
    located = read_text("a:\n  b: [1, x]\n", "f.yaml")

    assert located.value == {"a": {"b": [1, "x"]}}
    assert located.key_place(("a", "b")) == "f.yaml:2:3"
    assert located.place(("a", "b")) == "f.yaml:2:6"
    assert located.place(("a", "b", 1)) == "f.yaml:2:10"


def test_what_is_not_there_has_the_place_of_what_encloses_it() -> None:
    located = read_text("a:\n  b: 1\n", "f.yaml")

    assert located.place(("a", "b", "c")) == "f.yaml:2:6"
    assert located.key_place(("a", "z")) == "f.yaml:2:3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("010", "010"),
        ("-7", -7),
        ("1.5", 1.5),
        ("null", None),
        ("", None),
        ("localhost:9092", "localhost:9092"),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    assert read_text(f"a: {text}\n", "f").value == {"a": value}


@pytest.mark.parametrize("text", ["a: [1, 2", "a: {b", "%", "a:\n\tb: 1", "[1, 2]: {", '"unclosed'])
def test_a_scalar_that_is_no_yaml_stays_the_text_it_is(text: str) -> None:
    assert read_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: [1,\nb\n", "f:3:1"), ("a: !!python/name:os.system x\n", "f:1:4"), ("a: *nowhere\n", "f:1:4")],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError, match="not valid YAML") as caught:
        read_text(text, "f")
    assert str(caught.value).startswith(place)


def test_aliases_are_refused_instead_of_expanded() -> None:
    located = read_text("a: &x [1]\nb: [*x, *x]\nc: &y {z: *y}\n", "f")

    assert len(located.problems) == 3
    assert all("aliases are not supported" in problem for problem in located.problems)


def test_a_key_that_is_no_word_is_refused() -> None:
    assert read_text("[1]: 2\n", "f").problems == ["f:1:1: expected a word as key, found a list or mapping"]


def test_deep_nesting_is_refused_and_does_not_crash() -> None:
    with pytest.raises(ConfigError, match="nested too deep"):
        read_text("[" * 5_000, "f")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe\x00", "expected UTF-8"), (b"a: \x00", "not valid YAML"), (b" " * ((1 << 20) + 1), "expected at most")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=message):
        read_file(path)


def test_a_missing_file_and_a_directory_are_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.yaml"):
        with pytest.raises(ConfigError) as caught:
            read_file(path)
        assert str(path) in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert read_text(text, "f").name == "f"


@pytest.mark.parametrize(("text", "value"), [("[a, 1]", ["a", 1]), ("{a: 1}", {"a": 1}), ("7", 7), ("[a", "[a")])
def test_a_value_may_be_a_list_and_what_is_no_yaml_stays_a_text(text: str, value: object) -> None:
    assert read_value(text) == value
