from __future__ import annotations

import json

import pytest

from detector.fingerprint.actions import PRIVILEGED, privilege
from detector.simulate import catalogue
from detector.simulate.call import Action

POOLS = {name: pool for name, pool in vars(catalogue).items() if name.isupper() and name.startswith("AWS_")}


@pytest.mark.parametrize("name", sorted(POOLS))
def test_a_pool_holds_distinct_actions_whose_parameters_are_json(name: str) -> None:
    pool: tuple[Action, ...] = POOLS[name]
    assert len(set(pool)) == len(pool) > 5
    for action in pool:
        json.loads(action.request)


def test_what_gives_rights_is_known_as_privileged_and_what_looks_around_only_reads() -> None:
    identity = [action for action in catalogue.AWS_PRIVILEGED if action.service == "iam"]
    assert all(privilege(action.text) == PRIVILEGED for action in identity)
    assert all(action.read_only for action in catalogue.AWS_ENUMERATION)
