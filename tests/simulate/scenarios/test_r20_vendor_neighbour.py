from __future__ import annotations

from detector.simulate.egress import Egress
from detector.simulate.scenarios.r20_vendor_neighbour import VendorNeighbour
from tests.simulate.scenarios.fleets import Scene


def test_the_thief_rents_at_the_vendors_provider() -> None:
    scene = Scene()
    office = Egress.of("us-east-1", [scene.fleet.plan.hosting(7)])
    victim = scene.holding("github.pat", egress=office)
    scene.steal(VendorNeighbour(), "S2", victim)
    (address,) = {call.context.address for call in scene.malicious()}
    assert address.startswith("243.7.")
    assert address not in office.at(0).addresses


def test_a_key_that_no_vendor_holds_has_no_such_neighbour() -> None:
    scene = Scene()
    assert VendorNeighbour().begin(scene.fleet, scene.holding("github.pat")) is None
