from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import get_args

import pytest

from detector.telemetry import events


def test_every_observer_hears_every_event_in_order() -> None:
    heard: list[tuple[str, events.Event]] = []
    tell = events.to_all(lambda event: heard.append(("first", event)), lambda event: heard.append(("second", event)))
    tell(one := events.Restored(1, 0.1))
    tell(two := events.Stopping("SIGTERM"))
    assert heard == [("first", one), ("second", one), ("first", two), ("second", two)]


@pytest.mark.parametrize("event", get_args(events.Event))
def test_events_are_frozen_and_name_no_secret_nor_address(event: type) -> None:
    assert is_dataclass(event)
    assert event.__dataclass_params__.frozen  # type: ignore[attr-defined]
    names = {field.name for field in fields(event)}
    assert not names & {"credential", "address", "ip", "record", "value", "principal", "client"}
