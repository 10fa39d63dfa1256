from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.bundle import ByHolding, load_bundle
from detector.domain import KIND_CODE, KINDS
from detector.errors import ConfigError
from detector.resources import models_dir

Manifest = dict[str, Any]


@pytest.fixture
def manifest() -> Manifest:
    """The shipped manifest, to be spoilt."""
    found: Manifest = json.loads((models_dir() / "default" / "manifest.json").read_text())
    return found


def problems(folder: Path, manifest: Manifest | str | bytes) -> list[str]:
    """What is wrong with a bundle whose manifest says this."""
    text = json.dumps(manifest) if isinstance(manifest, dict) else manifest
    (folder / "manifest.json").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load_bundle(folder)
    return caught.value.problems


def test_the_shipped_bundle_is_named_by_the_hash_of_its_manifest() -> None:
    folder = models_dir() / "default"
    bundle = load_bundle(folder)

    assert bundle.digest == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert bundle.name
    assert not bundle.calibrated


def test_a_folder_without_a_manifest_is_refused_with_the_setting_to_change(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"manifest\.json: expected a model bundle, found No such file.*set `bundle`"):
        load_bundle(tmp_path / "absent")


def test_a_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()

    with pytest.raises(ConfigError, match="expected a model bundle, found Is a directory"):
        load_bundle(tmp_path)


def test_a_huge_manifest_is_refused_unread(tmp_path: Path) -> None:
    assert "expected at most 1048576 bytes, found 1048577" in problems(tmp_path, b" " * ((1 << 20) + 1))[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "\x00", '{"schema": 1}'])
def test_a_file_that_is_no_manifest_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    [problem] = problems(tmp_path, text)

    assert problem.startswith(f"{tmp_path / 'manifest.json'}: expected a bundle manifest, found: ")


def test_a_manifest_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert "expected a bundle manifest" in problems(tmp_path, b'{"schema": "\xff"}')[0]


def _without(*path: str) -> Callable[[Manifest], None]:
    def spoil(manifest: Manifest) -> None:
        for step in path[:-1]:
            manifest = manifest[step]
        del manifest[path[-1]]

    return spoil


def _with(value: object, *path: str) -> Callable[[Manifest], None]:
    def spoil(manifest: Manifest) -> None:
        for step in path[:-1]:
            manifest = manifest[step]
        manifest[path[-1]] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_with(1, "surprise"), "unknown field `surprise`"),
        (_with(1, "novelty", "discuont"), "unknown field `discuont` - at `$.novelty`"),
        (_without("episode", "minimum"), "missing required field `minimum` - at `$.episode`"),
        (_with("much", "binding", "contradiction"), "Expected `float`, got `str` - at `$.binding.contradiction`"),
        (_with("detector.bundle/2", "schema"), "Invalid enum value 'detector.bundle/2' - at `$.schema`"),
        (_with([1.0], "novelty", "clip"), "at `$.novelty.clip`"),
        (_with(1.0, "novelty", "discount"), "novelty.discount must lie in (0, 1)"),
        (
            _without("novelty", "base", "client"),
            "novelty.base must name provider, prefix, address, family, client, service and action",
        ),
        (_with(0.0, "novelty", "base", "client"), "novelty.base probabilities must lie in (0, 1)"),
        (_with([7.0, -2.0], "novelty", "clip"), "novelty.clip must be [low, high] with low < high"),
        (_with([[600, 4.0], [120, 0.0]], "revocation", "overrun"), "revocation steps must ascend"),
        (_with([[600, 4.0], [120, 0.0]], "revocation", "parent_overrun"), "revocation steps must ascend"),
        (_with(3.0, "action", "cap", "write"), "action.cap must not fall with privilege"),
        (_with(0.0, "sweep", "floor"), "sweep rates must hold 0 < floor <= rate < attack_rate"),
        (_with(9.0, "sweep", "rate"), "sweep rates must hold 0 < floor <= rate < attack_rate"),
        (_with(0.0, "episode", "minimum"), "episode.minimum must be above 0"),
        (_with({"page": 0.5, "queue": 0.9}, "decision", "tiers"), "decision.tiers.queue must not exceed page"),
    ],
)
def test_a_wrong_manifest_is_refused_with_what_is_wrong(
    tmp_path: Path, manifest: Manifest, spoil: Callable[[Manifest], None], problem: str
) -> None:
    spoil(manifest)

    [found] = problems(tmp_path, manifest)

    assert found.startswith(f"{tmp_path / 'manifest.json'}: ")
    assert problem in found


def test_every_problem_of_a_manifest_is_told_at_once(tmp_path: Path, manifest: Manifest) -> None:
    for spoil in (_with(0.0, "episode", "minimum"), _with(2.0, "novelty", "discount")):
        spoil(manifest)

    assert len(problems(tmp_path, manifest)) == 2


@pytest.mark.parametrize(
    ("label", "value"),
    [("aws.session/instance", 2.0), ("aws.access-key", 3.0), ("aws.session/assumed", 1.0), ("unknown", 1.0)],
)
def test_a_value_by_holding_is_that_of_the_kind(label: str, value: float) -> None:
    assert ByHolding(default=1.0, single_holder=2.0, static=3.0).of(KINDS[KIND_CODE[label]]) == value
