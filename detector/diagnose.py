"""What a JSON Schema refuses in a located document, in an operator's words: expected, found, where, what was meant.

The only jsonschema import.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from detector.locate import KeyPath, Located, Plain

if TYPE_CHECKING:
    from jsonschema import ValidationError

_TYPES: Final = {
    "object": "a section of keys",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "boolean": "true or false",
    "null": "nothing",
}


def problems_of(layer: Located, schema: Mapping[str, Any]) -> list[str]:
    """Every problem of one document, in the order of the document; a secret's value is never repeated."""
    # Imported here: it takes a tenth of a second, and most runs have nothing to check.
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    found = [line for error in Draft202012Validator(schema).iter_errors(layer.value) for line in _lines(layer, error)]
    return sorted(dict.fromkeys((*layer.problems, *found)), key=_by_place)


def _by_place(line: str) -> list[tuple[int, str]]:
    """Sorts `file:9:1` before `file:10:1`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in line.split(":")]


def _lines(layer: Located, error: ValidationError) -> Iterator[str]:
    path: KeyPath = tuple(error.absolute_path)
    schema: Any = error.schema
    instance: Any = error.instance
    allowed: Any = error.validator_value
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for key in instance:
            if key not in known:
                yield f"{layer.key_place((*path, key))}: {_dotted(*path, key)} is no setting{_hint(key, known)}"
    elif error.validator == "enum" and "propertyNames" in error.absolute_schema_path:
        yield f"{layer.key_place((*path, instance))}: {_dotted(*path, instance)} is unknown{_hint(instance, allowed)}"
    elif "propertyNames" in error.absolute_schema_path:
        place = layer.key_place((*path, instance))
        yield f"{place}: {_dotted(*path)}: expected {_expected(error)}, found {_found(instance)}"
    else:
        hint = _hint(instance, allowed) if error.validator == "enum" else ""
        yield f"{layer.place(path)}: {_dotted(*path)}: expected {_expected(error)}, found {_shown(error)}{hint}"


def _dotted(*path: str | int) -> str:
    return ".".join(map(str, path)) or "settings"


def _expected(error: ValidationError) -> str:
    value: Any = error.validator_value
    if error.validator == "anyOf":
        return " or ".join(dict.fromkeys(_expected(part) for part in error.context))
    words = {
        "type": _TYPES.get(str(value), str(value)),
        "enum": f"one of {', '.join(map(str, value))}" if isinstance(value, list) else "",
        "minLength": "a text that is not empty",
        "minimum": f"at least {value}",
        "maximum": f"at most {value}",
        "pattern": error.schema.get("description", f"a text like {value}") if isinstance(error.schema, dict) else "",
    }
    keyword = str(error.validator)
    return words.get(keyword, f"{keyword} {value}")


def _found(value: Plain) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a section of keys"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value[:80]!r}"
        case _:
            return f"the number {value}"


def _shown(error: ValidationError) -> str:
    """What was found. A secret is not shown, nor is a text in the place of a section: the section may hold secrets."""
    schema: Any = error.schema
    instance: Any = error.instance
    parts = (schema, *schema.get("anyOf", ()), schema.get("items", {}))
    if any(part.get("writeOnly") for part in parts):
        return "a secret that does not fit"
    if isinstance(instance, str) and schema.get("type") == "object":
        return "a text"
    return _found(instance)


def _hint(found: object, known: list[Any]) -> str:
    close = difflib.get_close_matches(str(found).lower(), [str(word) for word in known], n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(map(str, known)) or 'none'}"
