from __future__ import annotations

from typing import Any

import pytest

from detector.training.sessions import off_first_address, session_uses
from tests.training.uses_of import Use, uses_of

ELSEWHERE = "203.0.113.9"


@pytest.mark.parametrize(
    ("kind", "expires"),
    [("aws.session/instance", True), ("k8s.bound-token", True), ("aws.access-key", False), ("unknown", False)],
)
def test_sessions_are_credentials_that_expire(kind: str, expires: bool) -> None:  # noqa: FBT001
    assert session_uses(uses_of(Use(0, kind=kind))).tolist() == [expires]


def test_the_first_address_of_a_session_is_its_home() -> None:
    def use(credential: str, address: str) -> Use:
        return Use(0, credential, kind="aws.session/instance", address=address)

    uses = uses_of(use("a", "198.51.100.7"), use("b", ELSEWHERE), use("a", ELSEWHERE), use("b", ELSEWHERE))

    assert off_first_address(uses).tolist() == [False, False, True, False]


def test_endpoints_and_missing_addresses_are_no_home_and_no_stray() -> None:
    def use(**facts: Any) -> Use:
        return Use(0, kind="aws.session/instance")._replace(**facts)

    uses = uses_of(
        use(endpoint=True, address="10.0.0.1"), use(address=""), use(), use(endpoint=True, address="10.0.0.2")
    )

    assert not off_first_address(uses).any()
