from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from detector.errors import ConfigError
from detector.resources import config_dir
from detector.settings import (
    Settings,
    detection_ids,
    leaves,
    load_settings,
    redacted,
    resolve,
    schema,
    source_names,
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "detector.yaml"
    path.write_text(text)
    return path


def problems(path: Path | None, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, env or {})
    return caught.value.problems


def test_the_shipped_default_file_equals_the_defaults_in_code() -> None:
    assert load_settings(config_dir() / "default.yaml", {}) == Settings()


def test_the_shipped_default_file_names_every_key() -> None:
    origins = resolve(config_dir() / "default.yaml", {}).origins

    assert [key for key, origin in origins.items() if origin == "default"] == []


def test_the_table_of_keys_in_the_readme_is_complete_and_true() -> None:
    lines = (config_dir() / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines if line.startswith("| `")]
    documented = {key.strip("`"): default.strip("`") for key, default in cells}

    defaults = {
        key: msgspec.json.encode(value).decode().strip('"')
        for key, value in leaves(msgspec.to_builtins(Settings())).items()
    }
    assert {key: documented.get(key) for key in defaults} == defaults


def test_a_later_layer_wins_and_is_remembered(tmp_path: Path) -> None:
    path = write(tmp_path, "kafka:\n  group: blue\n  raw_topic: logs\n")

    resolved = resolve(path, {"DETECTOR__KAFKA__GROUP": "green", "HOME": "/"}, {"kafka.bootstrap": "broker:9092"})

    assert resolved.settings.kafka.group == "green"
    assert resolved.settings.kafka.raw_topic == "logs"
    assert resolved.settings.kafka.bootstrap == "broker:9092"
    assert resolved.origins["kafka.group"] == "environment DETECTOR__KAFKA__GROUP"
    assert resolved.origins["kafka.raw_topic"] == f"{path}:3:14"
    assert resolved.origins["kafka.bootstrap"] == "flag kafka.bootstrap"
    assert resolved.origins["kafka.alerts_topic"] == "default"


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "kafka:\n"
        "  bootstarp: a:1\n"
        "  group: 5\n"
        "http: {port: 99999, host: ''}\n"
        "detections:\n"
        "  replay.no_such_thing: {mode: shadow}\n"
        "source: [1]\n"
        "kafka: {}\n",
    )

    found = problems(path, {"DETECTOR__HTTP__PORT": "many"})

    assert found[0] == f"{path}:2:3: kafka.bootstarp is no setting; did you mean bootstrap?"
    assert found[1] == f"{path}:3:10: kafka.group: expected a text, found the number 5"
    assert found[2] == f"{path}:4:14: http.port: expected at most 65535, found the number 99999"
    assert found[3] == f"{path}:4:27: http.host: expected a text that is not empty, found the text ''"
    assert found[4].startswith(f"{path}:6:3: detections.replay.no_such_thing is unknown; ")
    assert found[5] == f"{path}:7:9: source: expected a section of keys, found a list"
    assert found[6] == f"{path}:8:1: kafka is set twice, first at {path}:1:1; keep one"
    assert found[7] == "environment DETECTOR__HTTP__PORT: http.port: expected a whole number, found the text 'many'"
    assert len(found) == 8


def test_an_unknown_format_is_refused_with_the_nearest_source(tmp_path: Path) -> None:
    path = write(tmp_path, "source: {format: cloudtrial}\n")

    assert "expected one of auto, cloudtrail" in problems(path)[0]
    assert problems(path)[0].endswith("; did you mean cloudtrail?")


def test_a_detection_is_switched_off_by_a_file_and_by_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "detections:\n  replay.new_origin: {mode: off}\n")
    env = {"DETECTOR__DETECTIONS__REPLAY_CONCURRENT_USE__MODE": "shadow"}

    settings = load_settings(path, env)

    assert settings.mode("replay.new_origin") == "off"
    assert settings.mode("replay.concurrent_use") == "shadow"
    assert settings.mode("replay.after_revocation") is None


def test_a_text_setting_takes_a_number_from_the_environment_as_text() -> None:
    assert load_settings(None, {"DETECTOR__KAFKA__GROUP": "7"}).kafka.group == "7"
    assert load_settings(None, {"DETECTOR__HTTP__PORT": "0"}).http.port == 0


def test_an_environment_that_sets_a_section_and_its_key_is_refused() -> None:
    found = problems(None, {"DETECTOR__KAFKA": "x", "DETECTOR__KAFKA__GROUP": "y"})

    assert "environment DETECTOR__KAFKA__GROUP: kafka is already set to a value; unset one of the two" in found


def test_the_digest_changes_with_what_can_change_an_alert_and_with_nothing_else() -> None:
    base = Settings().digest
    same = load_settings(None, {"DETECTOR__HTTP__PORT": "1", "DETECTOR__KAFKA__BOOTSTRAP": "x:1"})
    other = load_settings(None, {"DETECTOR__DETECTIONS__REPLAY_NEW_ORIGIN__MODE": "off"})

    assert same.digest == base
    assert other.digest != base
    assert load_settings(None, {"DETECTOR__SOURCE__REALM": "prod"}).digest != base


def test_a_secret_is_neither_shown_nor_repeated_in_a_problem(tmp_path: Path) -> None:
    settings = load_settings(None, {"DETECTOR__RESPONSE__WEBHOOK__URL": "https://hooks.example/T0KEN"})
    assert "T0KEN" not in str(redacted(settings))
    assert redacted(settings)["response"]["webhook"]["url"] == "(redacted)"

    refused = problems(write(tmp_path, "response: {webhook: {url: [T0KEN]}}\n"))
    assert "T0KEN" not in refused[0]
    assert "found a secret that does not fit" in refused[0]


def test_the_schema_is_valid_and_accepts_the_defaults() -> None:
    Draft202012Validator.check_schema(schema())
    assert Draft202012Validator(schema()).is_valid(msgspec.to_builtins(Settings()))


def test_names_come_from_the_folders() -> None:
    assert "cloudtrail" in source_names()
    assert "base" not in source_names()
    assert "replay.new_origin" in detection_ids()
