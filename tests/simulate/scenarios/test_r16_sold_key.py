from __future__ import annotations

from collections import defaultdict

from detector.simulate.scenarios.r16_sold_key import SoldKey
from tests.simulate.scenarios.fleets import Scene


def test_two_to_five_buyers_have_a_place_and_a_client_each() -> None:
    for seed in range(8):
        scene = Scene(seed)
        scene.passers_by()
        theft = scene.steal(SoldKey(), "S0", scene.holding("aws.access-key"))
        clients = defaultdict(set)
        for call in scene.malicious():
            clients[call.context.address].add(call.context.client)
        assert 2 <= len(clients) <= 5
        assert all(len(used) == 1 for used in clients.values())
        assert len(theft.credentials) == 1
        assert list(theft.seconds) == sorted(theft.seconds)
