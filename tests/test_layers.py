from __future__ import annotations

from typing import Any

import pytest

from detector.layers import environment_layer, flags_layer

SCHEMA: dict[str, Any] = {
    "properties": {
        "part": {"$ref": "#/$defs/Part"},
        "detections": {"additionalProperties": {"$ref": "#/$defs/Part"}},
    },
    "$defs": {
        "Part": {
            "additionalProperties": False,
            "properties": {
                "text": {"type": "string"},
                "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "word": {"enum": ["on", "off"]},
                "number": {"type": "number"},
                "list": {"type": "array"},
                "switch": {"type": "boolean"},
            },
        }
    },
}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("text", "010", "010"),
        ("text", "null", "null"),
        ("text", "[a]", "[a]"),
        ("maybe", "7", "7"),
        ("maybe", "null", None),
        ("word", "off", "off"),
        ("number", "7", 7),
        ("number", "many", "many"),
        ("list", "[a, [b, 1]]", ["a", ["b", 1]]),
        ("list", "a", "a"),
        ("list", "[a", "[a"),
        ("switch", "true", True),
        ("unknown", "7", 7),
        ("unknown", "{a: 1}", "{a: 1}"),
    ],
)
def test_a_variable_is_read_as_its_setting_takes_it(key: str, text: str, value: object) -> None:
    layer = environment_layer({f"DETECTOR__PART__{key.upper()}": text}, SCHEMA)

    assert layer.value == {"part": {key: value}}
    assert layer.place(("part", key)) == f"environment DETECTOR__PART__{key.upper()}"


def test_other_variables_say_nothing() -> None:
    assert environment_layer({"HOME": "/", "DETECTOR_DEBUG": "1"}, SCHEMA).value == {}


def test_a_detection_is_named_with_an_underscore_for_its_dot() -> None:
    layer = environment_layer({"DETECTOR__DETECTIONS__REPLAY_NEW_ORIGIN__WORD": "off"}, SCHEMA)

    assert layer.value == {"detections": {"replay.new_origin": {"word": "off"}}}


def test_a_section_that_is_set_to_a_value_takes_no_key() -> None:
    layer = environment_layer({"DETECTOR__PART": "x", "DETECTOR__PART__TEXT": "y"}, SCHEMA)

    assert layer.problems == ["environment DETECTOR__PART__TEXT: part is already set to a value; unset one of the two"]


def test_flags_keep_their_values_and_say_which_flag_it_was() -> None:
    layer = flags_layer({"part.number": 7})

    assert layer.value == {"part": {"number": 7}}
    assert layer.place(("part", "number")) == "flag part.number"
