from __future__ import annotations

import pytest

from detector.simulate.scenarios.r14_vault_token import VaultToken
from tests.simulate.scenarios.fleets import Scene


@pytest.mark.parametrize("kind", ["vault.token", "vault.approle"])
def test_what_was_read_elsewhere_is_used_elsewhere(kind: str) -> None:
    scene = Scene()
    victim, neighbour = scene.holding(kind), scene.holding(kind)
    scene.steal(VaultToken(), "S3", victim)
    assert {call.context.address for call in scene.malicious()} <= set(neighbour.habitat.egress.at(0).addresses)
    assert {call.caller for call in scene.malicious()} == {victim.caller}
