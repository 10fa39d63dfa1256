from __future__ import annotations

from detector.simulate.addresses import REGIONS
from detector.simulate.scenarios.r03_other_account import OtherAccount
from tests.simulate.scenarios.fleets import Scene


def test_the_thief_is_in_the_same_cloud_and_region_but_not_behind_the_victims_gateway() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    scene.steal(OtherAccount(), "S2", victim)
    home = REGIONS.index(victim.habitat.egress.region)
    for call in scene.malicious():
        cloud, block, *_ = call.context.address.split(".")
        assert (cloud, int(block) // 16) == ("241", home)
        assert call.context.address not in victim.habitat.egress.at(call.second).addresses
        assert call.context.region == victim.habitat.egress.region
