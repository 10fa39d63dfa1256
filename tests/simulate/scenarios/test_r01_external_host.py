from __future__ import annotations

from itertools import pairwise

import pytest

from detector.simulate.scenarios.r01_external_host import ExternalHost
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR
from tests.simulate.scenarios.fleets import Scene, network


@pytest.mark.parametrize(("stealth", "networks"), [("S0", {"243", "244", "2001"}), ("S1", {"241"}), ("S2", {"241"})])
def test_the_thief_is_outside_and_uses_the_key_while_it_is_good(stealth: Stealth, networks: set[str]) -> None:
    scene = Scene()
    victim = scene.holding("aws.session/instance", start=scene.day(9), end=scene.day(9) + 6 * HOUR)
    theft = scene.steal(ExternalHost(), stealth, victim)
    stolen = scene.malicious()
    assert {network(call) for call in stolen} <= networks
    assert {call.context.address for call in stolen}.isdisjoint(victim.habitat.egress.at(0).addresses)
    assert all(call.caller is victim.caller and victim.start <= call.second < victim.end for call in stolen)
    assert all(earlier <= later for earlier, later in pairwise(theft.seconds))
