from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from detector.cli.config import command
from detector.errors import ConfigError
from detector.resources import config_dir


def invoke(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(command, arguments, catch_exceptions=False)


def test_check_accepts_the_defaults_and_says_so_on_stderr() -> None:
    for arguments in (["check"], ["check", str(config_dir())], ["check", str(config_dir() / "default.yaml")]):
        done = invoke(*arguments)
        assert done.exit_code == 0
        assert done.stdout == ""
        assert "ok" in done.stderr


def test_check_reports_every_problem_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("http:\n  port: x\nbundel: default\n")

    with pytest.raises(ConfigError) as caught:
        invoke("check", str(path), env={"DETECTOR__KAFKA__TOPIC": "raw"})

    first, second, third = caught.value.problems
    assert first.startswith(f"{path}:2:9: http.port")
    assert second == f"{path}:3:1: bundel is no setting; did you mean bundle?"
    assert third.startswith("environment DETECTOR__KAFKA__TOPIC: kafka.topic is no setting")


def test_check_opens_the_bundle_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"bundle: {tmp_path}/nowhere\n")

    with pytest.raises(ConfigError, match="nowhere"):
        invoke("check", str(path))


def test_check_finds_what_no_single_key_shows(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "kafka: {bootstrap: nowhere, security: {protocol: plaintext}}\n"
        "realms: {merge: [[a, b], [b, c]]}\n"
        f"bundle: {tmp_path}/nowhere\n"
    )

    with pytest.raises(ConfigError) as caught:
        invoke("check", str(path))

    first, second, third = caught.value.problems
    assert first.startswith("kafka.bootstrap: expected host:port")
    assert second.startswith("realms: expected each realm in one group")
    assert third.startswith("bundle: expected a folder with a manifest.json")


def test_check_looks_at_the_security_of_the_brokers(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("kafka: {security: {protocol: sasl_ssl, mechanism: PLAIN, username: detector}}\n")

    with pytest.raises(ConfigError, match=r"kafka\.security\.password: expected a value"):
        invoke("check", str(path))


def test_show_prints_what_check_accepts_with_secrets_hidden(tmp_path: Path) -> None:
    env = {
        "DETECTOR__RESPONSE__WEBHOOK__URL": "https://hooks.example/T0KEN",
        "DETECTOR__KAFKA__SECURITY__PASSWORD": "T0KEN",
        "DETECTOR__SINKS__SOC__TYPE": "webhook",
        "DETECTOR__SINKS__SOC__TARGET": "https://hooks.example/T0KEN",
        "DETECTOR__SINKS__SOC__SECRETS": "[T0KEN]",
    }
    shown = invoke("show", env=env).stdout
    assert "T0KEN" not in shown
    assert yaml.safe_load(shown)["response"]["webhook"]["url"] == "(redacted)"

    path = tmp_path / "c.yaml"
    path.write_text(invoke("show").stdout)
    assert invoke("check", str(path)).exit_code == 0


def test_show_origin_says_which_layer_set_each_value(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("kafka: {group: blue}\n")

    done = invoke("show", "--config", str(path), "--origin", env={"DETECTOR__HTTP__PORT": "0"})

    rows = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["kafka.group"] == {"key": "kafka.group", "value": "blue", "origin": f"{path}:1:16"}
    assert rows["http.port"]["origin"] == "environment DETECTOR__HTTP__PORT"
    assert rows["http.host"]["origin"] == "default"


def test_schema_is_json_that_knows_the_sections() -> None:
    assert "kafka" in json.loads(invoke("schema").stdout)["properties"]
