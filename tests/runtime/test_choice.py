from __future__ import annotations

from dataclasses import replace

import pytest

from detector.detections.base import Detection, load_detections
from detector.runtime.choice import choose, mode_of
from detector.settings import DetectionSettings, Mode, Settings
from tests.alerts import alert

NEW, CONCURRENT = "replay.new_origin", "replay.concurrent_use"
KNOWN = {name: found for name, found in load_detections().items() if name in {NEW, CONCURRENT}}


def said(**modes: Mode) -> Settings:
    """Settings for the two detections, by the last words of their names."""
    ids = {"new_origin": NEW, "concurrent_use": CONCURRENT}
    return Settings(detections={ids[name]: DetectionSettings(mode=mode) for name, mode in modes.items()})


def shadow_by_status(name: str) -> Detection:
    """A detection like `name` whose author lets it count only."""
    member = type(KNOWN[name])
    shadowed: Detection = type("Shadowed", (member,), {"metadata": replace(member.metadata, status="shadow")})()
    return shadowed


def test_everything_is_evaluated_and_sent_where_nothing_is_said() -> None:
    choice = choose(Settings(), KNOWN)
    assert choice.detections == KNOWN
    assert choice.sends(alert(detections=[NEW]))


def test_a_detection_that_is_off_is_not_evaluated() -> None:
    assert set(choose(said(new_origin="off"), KNOWN).detections) == {CONCURRENT}


def test_a_detection_in_shadow_is_evaluated_and_not_sent() -> None:
    choice = choose(said(new_origin="shadow"), KNOWN)
    assert choice.detections == KNOWN
    assert not choice.sends(alert(detections=[NEW]))


def test_an_incident_on_which_another_detection_fired_is_sent() -> None:
    choice = choose(said(new_origin="shadow"), KNOWN)
    assert choice.sends(alert(detections=[CONCURRENT, NEW]))


@pytest.mark.parametrize(("settings", "sent"), [(Settings(), False), (said(new_origin="alert"), True)])
def test_the_status_shadow_holds_until_the_settings_say_otherwise(settings: Settings, *, sent: bool) -> None:
    choice = choose(settings, {NEW: shadow_by_status(NEW)})
    assert choice.sends(alert(detections=[NEW])) == sent


def test_the_mode_of_a_detection_is_what_is_listed() -> None:
    assert mode_of(Settings(), shadow_by_status(NEW).metadata) == "shadow"
    assert mode_of(said(new_origin="off"), shadow_by_status(NEW).metadata) == "off"
    assert mode_of(Settings(), KNOWN[NEW].metadata) == "alert"
