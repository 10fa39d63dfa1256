from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from detector.assets import Assets, load
from detector.bundle import load_bundle
from detector.detections.base import Detection, load_detections
from detector.errors import ConfigError
from detector.pipeline import Configuration
from detector.resources import bundle_dir
from detector.runtime.choice import Choice, choose, mode_of
from detector.settings import DetectionSettings, Mode, Settings
from detector.telemetry.events import ControlIgnored, Event

NEW, CONCURRENT = "replay.new_origin", "replay.concurrent_use"
ALL = load_detections()
KNOWN = {name: found for name, found in ALL.items() if name in {NEW, CONCURRENT}}


def said(**modes: Mode) -> Settings:
    """Settings for the two detections, by the last words of their names."""
    ids = {"new_origin": NEW, "concurrent_use": CONCURRENT}
    return Settings(detections={ids[name]: DetectionSettings(mode=mode) for name, mode in modes.items()})


def shadow_by_status(name: str) -> Detection:
    """A detection like `name` whose author lets it count only."""
    member = type(KNOWN[name])
    shadowed: Detection = type("Shadowed", (member,), {"metadata": replace(member.metadata, status="shadow")})()
    return shadowed


# --- what the settings say -------------------------------------------------------------------------------------------


def test_everything_is_evaluated_and_sent_where_nothing_is_said() -> None:
    assert choose(Settings(), KNOWN) == Configuration.of(KNOWN, Settings().digest)


def test_a_detection_that_is_off_is_known_and_not_evaluated() -> None:
    chosen = choose(said(new_origin="off"), KNOWN)
    assert chosen.detections == KNOWN, "an open incident may still rest on it"
    assert set(chosen.active) == chosen.sending == {CONCURRENT}


def test_a_detection_in_shadow_is_evaluated_and_not_sent() -> None:
    chosen = choose(said(new_origin="shadow"), KNOWN)
    assert chosen.active == KNOWN
    assert chosen.sending == {CONCURRENT}


@pytest.mark.parametrize(("settings", "sent"), [(Settings(), False), (said(new_origin="alert"), True)])
def test_the_status_shadow_holds_until_the_settings_say_otherwise(settings: Settings, *, sent: bool) -> None:
    chosen = choose(settings, {NEW: shadow_by_status(NEW)})
    assert chosen.evaluated == {NEW}
    assert (NEW in chosen.sending) == sent


def test_the_mode_of_a_detection_is_what_is_listed() -> None:
    assert mode_of(Settings(), shadow_by_status(NEW).metadata) == "shadow"
    assert mode_of(said(new_origin="off"), shadow_by_status(NEW).metadata) == "off"
    assert mode_of(Settings(), KNOWN[NEW].metadata) == "alert"


def test_a_bundle_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match=r"expected a folder with a manifest\.json.*shipped bundles: default"):
        Choice(Settings(bundle="no-such"))


def test_every_shard_begins_empty_and_alike() -> None:
    choice = Choice(Settings())
    one, other = choice.pipeline(), choice.pipeline()
    assert one is not other
    assert one.principals == other.principals == 0
    assert one.digest() == other.digest()


# --- what a control row says -----------------------------------------------------------------------------------------


def changed_bundle(folder: Path) -> Path:
    """A bundle of our own that differs from the shipped one."""
    shutil.copytree(bundle_dir("default"), folder / "own")
    manifest = folder / "own" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    return folder / "own"


def test_a_bundle_is_taken_by_its_name_if_it_is_the_one_that_is_meant(tmp_path: Path) -> None:
    own = changed_bundle(tmp_path)
    digest = load_bundle(own).digest
    choice = Choice(Settings())
    assert digest != choice.first.digest
    assert choice.bundle(str(own), digest) == load_bundle(own)
    assert choice.first == load_bundle(bundle_dir("default")), "where a replay begins does not move"


def test_another_bundle_of_that_name_is_refused(tmp_path: Path) -> None:
    own = changed_bundle(tmp_path)
    meant, found = "0" * 64, load_bundle(own).digest
    with pytest.raises(ConfigError, match=f"SHA-256 {meant}, found {found}; install that bundle"):
        Choice(Settings()).bundle(str(own), meant)


def test_a_bundle_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected a folder with a manifest\.json"):
        Choice(Settings()).bundle("no-such", "0" * 64)


def active(modes: Mapping[str, str], settings: Settings | None = None) -> tuple[set[str], set[str]]:
    """Detections that are evaluated, and those that send, of the two that the tests are about."""
    found = Choice(settings or Settings()).configuration(modes)
    return set(found.evaluated) & set(KNOWN), set(found.sending) & set(KNOWN)


def test_modes_replace_those_of_the_settings_and_what_they_do_not_name_stays() -> None:
    assert active({NEW: "off"}) == ({CONCURRENT}, {CONCURRENT})
    assert active({NEW: "shadow"}, said(concurrent_use="shadow")) == (set(KNOWN), set())
    assert active({NEW: "alert"}, said(new_origin="off", concurrent_use="off")) == ({NEW}, {NEW})


def test_modes_are_on_top_of_the_settings_and_not_of_the_modes_before() -> None:
    choice = Choice(Settings())
    choice.configuration({NEW: "off"})
    assert choice.configuration({}) == choose(Settings(), choice.configuration({}).detections)


def test_another_configuration_has_another_digest_and_the_same_has_the_same() -> None:
    choice = Choice(Settings())
    assert choice.configuration({}).digest == Settings().digest
    assert choice.configuration({NEW: "off"}).digest == said(new_origin="off").digest != Settings().digest


def test_a_mode_of_a_detection_that_is_not_here_is_told_and_the_others_hold() -> None:
    told: list[Event] = []
    choice = Choice(Settings(), told.append)
    found = choice.configuration({"scope.nothing": "off", NEW: "off", "replay.new_orign": "off"})
    assert NEW not in found.evaluated
    assert CONCURRENT in found.evaluated
    assert told == [ControlIgnored("config", "no such detection here: replay.new_orign, scope.nothing")]


# --- assets ----------------------------------------------------------------------------------------------------------


def test_exceptions_of_the_assets_are_decided_by_and_change_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "assets.yaml"
    file.write_text("tolerated_until: {KEY: {date: 2026-12-31, reason: moves to a role, owner: payments}}")
    plain, excepted = (choose(Settings(), KNOWN, assets) for assets in (Assets(), load(file)))

    assert plain.tolerated == {}
    assert excepted.tolerated["KEY"].words == ("KEY is tolerated through 2026-12-31, says payments: moves to a role")
    assert plain.digest == Settings().digest != excepted.digest


def test_assets_that_cannot_be_used_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a readable YAML file"):
        Choice(Settings(assets=str(tmp_path / "none.yaml")))
