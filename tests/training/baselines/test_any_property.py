from __future__ import annotations

from typing import Any

import pytest

from detector.training.baselines.any_property import AnyProperty
from tests.training.uses_of import DAY, HOUR, Use, uses_of

HABIT = [Use(0), Use(DAY), Use(2 * DAY), Use(3 * DAY)]


def scores(*rows: Use) -> list[float]:
    found: list[float] = AnyProperty().score(uses_of(*rows)).tolist()
    return found


@pytest.mark.parametrize(
    ("change", "properties"),
    [
        ({"client": "tool/1"}, 1),
        ({"action": "secrets:read"}, 1),
        ({"kind": "aws.session/assumed"}, 1),
        ({"provider": "other-cloud"}, 1),
        ({"provider": "isp-4"}, 2),  # another network, and no hosting
        ({"provider": "isp-4", "client": "tool/1"}, 3),
    ],
)
def test_it_counts_the_properties_that_are_new_on_that_day(change: dict[str, Any], properties: int) -> None:
    new = Use(3 * DAY + HOUR)._replace(**change)

    assert scores(*HABIT, new, new, new._replace(at=4 * DAY))[-3:] == [properties, properties, 0]


def test_it_is_quiet_for_the_first_two_days_of_a_principal() -> None:
    assert not any(scores(Use(0), Use(2 * DAY - 1, provider="isp-4", client="tool/1")))


@pytest.mark.parametrize("change", [{"address": "203.0.113.9"}, {"client": "sdk/2"}, {"action": "storage:delete"}])
def test_it_is_quiet_about_what_is_finer_than_its_properties(change: dict[str, Any]) -> None:
    assert not any(scores(*HABIT, Use(4 * DAY)._replace(**change)))
