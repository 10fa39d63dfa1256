"""The first page keeps its word: commands exist, tables equal the code, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry

from detector.cli import root
from detector.errors import DetectorError
from detector.settings import detection_ids, load_settings
from detector.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "models/README.md", "deploy/README.md", "detector/README.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def first_column(title: str) -> list[str]:
    cells = re.findall(r"^\| ([^|]+?) \|", section(title), re.MULTILINE)
    return [cell.strip("`") for cell in cells[1:]]


def commands() -> list[str]:
    """Every `detector …` written on the pages, as code or in a block."""
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    inline = re.findall(r"`(detector [a-z][^`]*)`", text)
    blocks = re.findall(r"^    .*?(detector [a-z].*)$", text, re.MULTILINE)
    written = inline + blocks
    return sorted(set(written))


@pytest.mark.parametrize("written", commands())
def test_every_command_written_on_the_pages_exists_with_its_options(written: str) -> None:
    words = [word for word in shlex.split(written.replace("|", " "), comments=True) if word != "…"]
    node: click.Command = root
    context = click.Context(root)
    words = words[1:]
    while isinstance(node, click.Group) and words and not words[0].startswith("-"):
        known = node.get_command(context, words[0])
        assert known is not None, f"{written}: no command {words[0]!r}"
        node, words = known, words[1:]
    options = {name for parameter in node.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options


def test_the_make_targets_written_on_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = set(re.findall(r"(?:^    |`)make (\w+)", README, re.MULTILINE))
    assert {"demo", "test", "bench"} <= written <= targets


def test_the_diagram_names_the_stages_in_the_order_of_the_path() -> None:
    diagram = re.search(r"```\n(.*?)```", section("The path"), re.DOTALL)
    assert diagram
    stages = re.findall(r"([a-z]+)/", diagram[1])
    path = ["stream", "sources", "fingerprint", "state", "scoring", "detections", "decision", "sinks", "response"]
    assert stages == path
    assert [stage for stage in stages if not (ROOT / "detector" / stage / "__init__.py").is_file()] == []


def test_the_detections_named_are_those_that_exist() -> None:
    named = re.findall(r"`([a-z]+\.[a-z_]+)` \|", section("What it sees, and what it does not"))
    assert sorted(named) == detection_ids()


def exposed(registry: CollectorRegistry) -> set[str]:
    families = {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}
    return {name for name in families if name.startswith("detector_")}


def test_the_metrics_table_is_what_the_endpoint_serves() -> None:
    assert set(first_column("Metrics")) == exposed(Metrics().registry)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    def codes(error: type[DetectorError]) -> set[int]:
        return {error.exit_code}.union(*(codes(child) for child in error.__subclasses__()))

    written = {int(code) for code in first_column("Exit codes")}
    assert codes(DetectorError) <= written
    assert {0, 1, 4, 130} <= written


def test_the_settings_shown_are_accepted(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        file = tmp_path / "detector.yaml"
        file.write_text(block)
        settings = load_settings(file, {})
        assert set(settings.kafka.raw) == set(yaml.safe_load(block)["kafka"]["raw"])


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
    paths = re.findall(r"`((?:detector|tests|config|models|deploy)/[\w/]+\.(?:py|yaml|json|md))`", text)
    real = [path for path in paths if "NAME" not in path]
    assert [path for path in real if not (ROOT / path).is_file()] == []
