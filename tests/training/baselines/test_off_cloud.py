from __future__ import annotations

from typing import Any

import pytest

from detector.training.baselines.off_cloud import OffCloud
from tests.training.uses_of import DAY, Use, uses_of

INSIDE = Use(0, kind="aws.session/instance", provider="cloud")
OUTSIDE = INSIDE._replace(address="203.0.113.9", provider="hosting-3")


def fired(*rows: Use) -> list[bool]:
    return [bool(score) for score in OffCloud().score(uses_of(*rows))]


def test_it_fires_on_the_first_use_from_a_network_outside() -> None:
    assert fired(INSIDE, OUTSIDE, OUTSIDE) == [False, True, False]


def test_a_network_is_learnt_for_its_realm_and_forgotten_after_two_weeks() -> None:
    assert fired(OUTSIDE, OUTSIDE._replace(realm="another", principal="other")) == [True, True]
    assert fired(OUTSIDE, OUTSIDE._replace(at=14 * DAY), OUTSIDE._replace(at=29 * DAY)) == [True, False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "cloud"},
        {"provider": ""},
        {"endpoint": True},
        {"kind": "aws.access-key"},
        {"kind": "aws.session/web-identity"},
        {"kind": "k8s.bound-token"},
    ],
)
def test_it_is_quiet_inside_the_cloud_and_about_keys_that_no_workload_is_bound_to(change: dict[str, Any]) -> None:
    assert not any(fired(INSIDE, OUTSIDE._replace(**change)))
