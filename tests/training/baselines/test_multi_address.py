from __future__ import annotations

from typing import Any

import pytest

from detector.training.baselines.multi_address import MultiAddress
from tests.training.uses_of import MINUTE, Use, uses_of

HOME = Use(0)
AWAY = HOME._replace(at=5 * MINUTE, address="203.0.113.9", provider="hosting-1")


def scores(*rows: Use) -> list[float]:
    found: list[float] = MultiAddress().score(uses_of(*rows)).tolist()
    return found


def test_it_fires_from_the_second_address_of_a_second_network_to_the_end_of_the_window() -> None:
    assert scores(HOME, AWAY, HOME._replace(at=29 * MINUTE), HOME._replace(at=30 * MINUTE)) == [0.0, 1.0, 1.0, 0.0]


def test_another_client_makes_it_worse() -> None:
    assert scores(HOME, AWAY._replace(client="tool/2")) == [0.0, 2.0]


@pytest.mark.parametrize(
    "change", [{"provider": HOME.provider}, {"provider": ""}, {"address": HOME.address}, {"at": 31 * MINUTE}]
)
def test_it_is_quiet_within_one_network_at_one_address_and_half_an_hour_later(change: dict[str, Any]) -> None:
    assert not any(scores(HOME, AWAY._replace(**change)))


def test_it_is_quiet_about_two_credentials_of_one_principal() -> None:
    assert not any(scores(HOME, AWAY._replace(credential="second")))


def test_its_state_is_the_fullest_window() -> None:
    window = [HOME, AWAY, AWAY]
    later = [HOME._replace(at=60 * MINUTE)]

    assert MultiAddress().state_bytes(uses_of(*window, *later)) == MultiAddress().state_bytes(uses_of(*window))
