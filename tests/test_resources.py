from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.resources import bundle_dir, config_dir, models_dir


def test_the_shipped_folders_are_found() -> None:
    assert (config_dir() / "default.yaml").is_file()
    assert (models_dir() / "default" / "manifest.json").is_file()


def test_a_bundle_is_a_shipped_name_or_a_path(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").touch()

    assert bundle_dir("default") == models_dir() / "default"
    assert bundle_dir(str(tmp_path)) == tmp_path


def test_a_bundle_that_is_not_there_is_refused_with_the_ones_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of the shipped bundles: default"):
        bundle_dir("defualt")
    with pytest.raises(ConfigError, match=str(tmp_path)):
        bundle_dir(str(tmp_path))
