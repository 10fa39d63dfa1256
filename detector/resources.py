"""Where the shipped files are: `config/` and `models/`, beside the package in a checkout, inside it in a wheel.

Reads nothing but the file system; both folders are read-only to us.
"""

from __future__ import annotations

from pathlib import Path

from detector.errors import ConfigError, InternalError

_PACKAGE = Path(__file__).resolve().parent


def config_dir() -> Path:
    """The folder of `default.yaml`. Raises InternalError when the installation is incomplete."""
    return _shipped("config")


def models_dir() -> Path:
    """The folder of the shipped bundles. Raises InternalError when the installation is incomplete."""
    return _shipped("models")


def bundle_dir(bundle: str) -> Path:
    """The folder of a model bundle: a name is looked up in `models_dir()`, anything with a slash is a path.

    Raises ConfigError when there is no manifest.
    """
    folder = Path(bundle).expanduser() if "/" in bundle else models_dir() / bundle
    if not (folder / "manifest.json").is_file():
        shipped = sorted(path.parent.name for path in models_dir().glob("*/manifest.json"))
        raise ConfigError(
            f"bundle: expected a folder with a manifest.json, found none at {folder}; "
            f"give a path, or one of the shipped bundles: {', '.join(shipped) or 'none'}"
        )
    return folder


def _shipped(folder: str) -> Path:
    """The checkout (also an editable install) is asked first: there, what lies beside the package is what is edited."""
    checkout = _PACKAGE.parent
    beside, inside = checkout / folder, _PACKAGE / f"_{folder}"
    if (checkout / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    if inside.is_dir():
        return inside
    raise InternalError(f"the shipped folder {folder!r} is at neither {beside} nor {inside}; install the package again")
