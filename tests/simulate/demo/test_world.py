from __future__ import annotations

from detector.simulate.demo.world import PRODUCTION
from tests.simulate.worlds import empty_world


def test_a_role_has_an_id_of_its_own_and_an_arn_that_holds_its_path() -> None:
    world = empty_world()
    one, other = (world.role(PRODUCTION, "/web/", "web-search") for _ in range(2))
    assert one.arn == f"arn:aws:iam::{PRODUCTION}:role/web/web-search"
    assert one.role_id != other.role_id
