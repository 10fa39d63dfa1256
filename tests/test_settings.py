from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from detector.errors import ConfigError
from detector.resources import config_dir
from detector.settings import (
    RawTopic,
    Settings,
    SinkSettings,
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


def test_the_shipped_folder_equals_the_defaults_in_code() -> None:
    assert load_settings(config_dir(), {}) == Settings()


def test_the_shipped_folder_names_every_key_and_realms_have_a_file_of_their_own() -> None:
    origins = resolve(config_dir(), {}).origins
    assert [key for key, origin in origins.items() if origin == "default"] == []

    files = {key: Path(origin.split(":")[0]).name for key, origin in origins.items()}
    assert {key for key, file in files.items() if file == "realms.yaml"} == {"realms.merge", "realms.split"}
    assert set(files.values()) == {"default.yaml", "realms.yaml"}


def test_the_examples_in_the_shipped_files_are_valid(tmp_path: Path) -> None:
    for file in sorted(config_dir().glob("*.yaml")):
        (tmp_path / file.name).write_text(with_examples(file.read_text()))

    settings = load_settings(tmp_path, {"DETECTOR__SINKS__SOC__TARGET": "https://hooks.example/"})

    assert settings.kafka.raw["k8s-audit"] == RawTopic(source="kubernetes", realm="cluster-1", start="latest")
    assert settings.realms.merge == [["123456789012", "cluster-1", "cluster-2"]]
    assert settings.realms.split == {"210987654321": 4}
    assert set(settings.sinks) == {"archive", "soc"}
    assert settings.mode("replay.new_origin") == "shadow"


def with_examples(text: str) -> str:
    """A shipped file with its examples in force: a comment that begins with `KEY:`, in place of the `KEY:` below it."""
    lines: list[str] = []
    example = ""
    for line in text.splitlines():
        comment = line.strip().removeprefix("# ") if line.strip().startswith("# ") else ""
        if re.fullmatch(r"\w+:", comment):
            example = comment
        elif example and line.strip().startswith(example):
            example = ""
            continue
        lines.append(line.replace("# ", "", 1) if example else line)
    return "\n".join(lines) + "\n"


def test_the_table_of_keys_in_the_readme_is_complete_and_true() -> None:
    documented = documented_keys()

    defaults = {key: written(value) for key, value in leaves(msgspec.to_builtins(Settings())).items()}
    assert {key: documented.get(key) for key in defaults} == defaults


@pytest.mark.parametrize("section", [RawTopic, SinkSettings])
def test_the_keys_of_a_raw_topic_and_of_a_sink_are_in_the_readme(section: type[msgspec.Struct]) -> None:
    documented = documented_keys()

    for field in msgspec.structs.fields(section):
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory
        expected = "none" if field.required else written(default() if callable(default) else default)
        assert documented[field.name] == expected


def documented_keys() -> dict[str, str]:
    lines = (config_dir() / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines if line.startswith("| `")]
    return {key.strip("`"): default.strip("`") for key, default in cells}


def written(value: object) -> str:
    return msgspec.json.encode(value).decode().strip('"')


def test_a_later_layer_wins_and_is_remembered(tmp_path: Path) -> None:
    path = write(tmp_path, "kafka:\n  group: blue\n  uses: rows\n")

    resolved = resolve(path, {"DETECTOR__KAFKA__GROUP": "green", "HOME": "/"}, {"kafka.bootstrap": "broker:9092"})

    assert resolved.settings.kafka.group == "green"
    assert resolved.settings.kafka.uses == "rows"
    assert resolved.settings.kafka.bootstrap == "broker:9092"
    assert resolved.origins["kafka.group"] == "environment DETECTOR__KAFKA__GROUP"
    assert resolved.origins["kafka.uses"] == f"{path}:3:9"
    assert resolved.origins["kafka.bootstrap"] == "flag kafka.bootstrap"
    assert resolved.origins["kafka.alerts"] == "default"


def test_the_files_of_a_folder_are_layers_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("kafka: {group: later}\n")
    (tmp_path / "a.yaml").write_text("kafka: {group: earlier, uses: rows}\n")
    (tmp_path / "notes.txt").write_text("no settings: these\n")

    settings = load_settings(tmp_path, {})

    assert (settings.kafka.group, settings.kafka.uses) == ("later", "rows")


def test_a_folder_without_settings_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == [
        f"{tmp_path}: expected a settings file, or a folder with *.yaml files; found a folder without"
    ]


def test_a_raw_topic_says_how_it_is_read(tmp_path: Path) -> None:
    text = "kafka:\n  raw:\n    Cloud.Trail_1: {source: cloudtrail, start: 2026-11-01T00:00:00Z, generation: 2}\n"

    raw = load_settings(write(tmp_path, text), {}).kafka.raw

    assert raw == {"Cloud.Trail_1": RawTopic(source="cloudtrail", start="2026-11-01T00:00:00Z", generation=2)}


@pytest.mark.parametrize("start", ["lastest", "2026-11-01", "2026-11-01T00:00:00", "2026-11-01 00:00:00Z"])
def test_a_start_that_is_neither_a_word_nor_a_time_is_refused(tmp_path: Path, start: str) -> None:
    path = write(tmp_path, f"kafka:\n  raw:\n    logs: {{start: {start}}}\n")

    expected = "earliest, latest or an RFC 3339 time such as 2026-11-01T00:00:00Z"
    assert problems(path) == [f"{path}:3:19: kafka.raw.logs.start: expected {expected}, found the text {start!r}"]


@pytest.mark.parametrize("start", ["2026-06-31T00:00:00Z", "1999-01-01T00:00:00Z"])
def test_a_start_on_a_day_that_cannot_be_is_refused(tmp_path: Path, start: str) -> None:
    path = write(tmp_path, f"kafka:\n  raw:\n    logs: {{start: '{start}'}}\n")

    (problem,) = problems(path)
    assert problem.startswith(f"{path}:3:19: kafka.raw.logs.start: expected ")


@pytest.mark.parametrize("name", ["a b", "..", "logs/1", "x" * 250])
def test_what_no_topic_can_be_called_is_refused(tmp_path: Path, name: str) -> None:
    (as_key,) = problems(write(tmp_path, f"kafka: {{raw: {{'{name}': {{}}}}}}\n"))
    (as_value,) = problems(write(tmp_path, f"kafka: {{uses: '{name}'}}\n"))

    for problem in (as_key, as_value):
        assert "expected the name of a topic: at most 249 letters, digits, dots, underscores and hyphens" in problem


def test_a_topic_that_two_settings_name_is_refused_where_it_was_named(tmp_path: Path) -> None:
    path = write(tmp_path, "kafka:\n  raw:\n    uses: {}\n    logs: {}\n  dead_letters: logs\n")

    assert problems(path) == [
        f"{path}:3:11: kafka.raw.uses: expected a topic of its own, found 'uses', which kafka.uses names too",
        f"{path}:4:11: kafka.raw.logs: expected a topic of its own, found 'logs', which kafka.dead_letters names too",
    ]


def test_the_target_of_a_sink_may_come_from_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "sinks:\n  soc: {type: webhook, min_severity: high}\n")
    env = {
        "DETECTOR__SINKS__SOC__TARGET": "https://hooks.example/T0KEN",
        "DETECTOR__SINKS__SOC__SECRETS": "[whsec_T0KEN, 'whsec_0LD']",
    }

    settings = load_settings(path, env)

    assert settings.sinks["soc"].target == "https://hooks.example/T0KEN"
    assert settings.sinks["soc"].secrets == ["whsec_T0KEN", "whsec_0LD"]
    assert not {"T0KEN", "0LD"} & set(str(redacted(settings)).replace("_", " ").replace("'", " ").split())


def test_a_sink_of_which_no_layer_says_everything_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "sinks:\n  soc: {type: webhook}\n  none: {}\n")

    assert problems(path) == [
        f"{path}:2:15: sinks.soc: expected a target, found none in any layer",
        f"{path}:3:9: sinks.none: expected a type, found none in any layer",
        f"{path}:3:9: sinks.none: expected a target, found none in any layer",
    ]


def test_a_sink_is_named_so_that_its_group_can_be(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "sinks: {'The SOC': {type: webhook, target: x}}\n"))

    assert "sinks: expected a name of lower-case letters, digits, underscores and hyphens" in problem
    assert problem.endswith("found the text 'The SOC'")


def test_secrets_from_the_environment_that_look_like_numbers_are_texts() -> None:
    settings = load_settings(None, {"DETECTOR__KAFKA__SECURITY__PASSWORD": "0123", "DETECTOR__KAFKA__GROUP": "7"})

    assert settings.kafka.security.password == "0123"  # noqa: S105 - of nobody
    assert settings.kafka.group == "7"


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


def test_a_number_from_the_environment_is_one_where_a_number_is_wanted() -> None:
    assert load_settings(None, {"DETECTOR__HTTP__PORT": "0"}).http.port == 0
    assert load_settings(None, {"DETECTOR__TIMING__INACTIVITY_SECONDS": "2.5"}).timing.inactivity_seconds == 2.5


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
    assert load_settings(None, {"DETECTOR__TIMING__LATENESS_SECONDS": "1"}).digest != base
    assert load_settings(None, {"DETECTOR__REALMS__MERGE": "[[a, b]]"}).digest != base


def test_the_digest_does_not_change_with_the_order_of_a_file(tmp_path: Path) -> None:
    one = load_settings(write(tmp_path, "realms: {split: {a: 2, b: 3}}\n"), {}).digest
    other = load_settings(write(tmp_path, "realms: {split: {b: 3, a: 2}}\n"), {}).digest

    assert one == other != Settings().digest


def test_a_secret_is_neither_shown_nor_repeated_in_a_problem(tmp_path: Path) -> None:
    settings = load_settings(None, {"DETECTOR__RESPONSE__WEBHOOK__URL": "https://hooks.example/T0KEN"})
    assert "T0KEN" not in str(redacted(settings))
    assert redacted(settings)["response"]["webhook"]["url"] == "(redacted)"

    refused = problems(write(tmp_path, "response: {webhook: {url: [T0KEN]}}\n"))
    assert "T0KEN" not in refused[0]
    assert "found a secret that does not fit" in refused[0]


@pytest.mark.parametrize(
    "text",
    [
        "sinks: {soc: https://hooks.example/T0KEN}",
        "sinks: https://hooks.example/T0KEN",
        "sinks: {soc: {type: webhook, target: [T0KEN]}}",
        "sinks: {soc: {type: webhook, target: x, secrets: T0KEN}}",
        "sinks: {soc: {type: webhook, target: x, secrets: [[T0KEN]]}}",
        "kafka: {security: {password: {T0KEN: 1}}}",
        "kafka: {security: T0KEN}",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str) -> None:
    assert all("T0KEN" not in problem for problem in problems(write(tmp_path, text + "\n")))


def test_the_schema_is_valid_and_accepts_the_defaults() -> None:
    Draft202012Validator.check_schema(schema())
    assert Draft202012Validator(schema()).is_valid(msgspec.to_builtins(Settings()))


def test_names_come_from_the_folders() -> None:
    assert "cloudtrail" in source_names()
    assert "base" not in source_names()
    assert "replay.new_origin" in detection_ids()
