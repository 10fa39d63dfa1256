from __future__ import annotations

from detector.training.baselines.first_address_tenant import FirstAddressTenant
from tests.training.uses_of import Use, uses_of

ELSEWHERE = "203.0.113.9"


def fired(*rows: Use) -> list[bool]:
    return [bool(score) for score in FirstAddressTenant().score(uses_of(*rows))]


def test_it_fires_once_where_the_tenant_has_never_been() -> None:
    session = Use(0, kind="aws.session/instance")
    moved = session._replace(address=ELSEWHERE)

    assert fired(session, moved, moved) == [False, True, False]


def test_it_is_quiet_about_an_address_that_anybody_else_of_the_tenant_uses() -> None:
    session = Use(0, kind="aws.session/instance")
    neighbour = Use(0, "other", "another worker", address=ELSEWHERE)

    assert not any(fired(neighbour, session, session._replace(address=ELSEWHERE)))
