"""One tenant from its seed: places, populations, then thefts; and the dataset that a seed names.

Every tenant is a world of its own, so tenants can be simulated and judged one by one, in any order, on any core.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.simulate import sites as places
from detector.simulate.call import BENIGN
from detector.simulate.fleet import Fleet
from detector.simulate.parameters import Parameters, Split, Tier, draw
from detector.simulate.play import Play
from detector.simulate.populations.base import populate
from detector.simulate.scenarios.base import Scenario, load_scenarios
from detector.simulate.truth import Stealth, Truth
from detector.simulate.world import DAY, START

_TRIES: Final = 400  # moments tried for a victim that suits


@dataclass(frozen=True, slots=True)
class Dataset:
    """Names a labelled fleet: the same dataset gives the same bytes on every machine."""

    split: Split
    tier: Tier
    seed: int = 0
    tenants: int = 10
    thefts: int = 3  # of each scenario and stealth, in each tenant; 0 = a fleet in which nothing is stolen

    def tenant(self, number: int, **chosen: float) -> Fleet:
        """Simulate tenant `number` (0 and up); `chosen` fixes parameters."""
        seeds = (zlib.crc32(self.split.encode()), zlib.crc32(self.tier.encode()), self.seed, number)
        rng = np.random.default_rng(seeds)
        return simulate(draw(self.split, self.tier, rng, **chosen), seeds, self.thefts, name=f"t{number:02}")


def simulate(parameters: Parameters, seeds: tuple[int, ...], thefts: int, *, name: str = "t00") -> Fleet:
    """A finished tenant: calls in order of time, thefts told apart."""
    end = START + parameters.days * DAY
    fleet = Fleet(np.random.default_rng(seeds), START, end, parameters=parameters, seeds=seeds, name=name)
    sites = places.draw(fleet)
    populate(fleet, sites)
    taken: set[int] = set()
    for scenario in load_scenarios().values():
        with fleet.chance(scenario.name):
            for stealth in scenario.stealths:
                for _ in range(thefts):
                    _steal(fleet, sites, scenario, stealth, taken)
    fleet.finish()
    return fleet


def _steal(fleet: Fleet, sites: places.Sites, scenario: Scenario, stealth: Stealth, taken: set[int]) -> None:
    """One theft, of a principal that nobody has stolen from yet, if there is one that suits."""
    suited = [holding for holding in fleet.holdings if scenario.suits_kind(holding.kind)]
    before, after = scenario.days
    for _ in range(_TRIES if suited else 0):
        victim = suited[fleet.between(0, len(suited))]
        begin = scenario.begin(fleet, victim) if id(victim.principal) not in taken else None
        if begin is None or not fleet.start + before * DAY <= begin <= fleet.end - after * DAY:
            continue
        taken.add(id(victim.principal))
        play = Play.draw(fleet, sites, victim, stealth, begin)
        scenario.play(play)
        play.end(scenario.name, scenario.family, scenario.techniques)
        return
    fleet.story["thefts without a victim"] += 1


def truth_of(fleet: Fleet) -> Truth:
    """The truth about a finished fleet."""
    owners: dict[str, list[int]] = {}
    for call in fleet.calls:
        owner = fleet.callers.get(id(call.caller))
        if call.theft == BENIGN and owner is not None:
            owners.setdefault(owner.name, []).append(call.second)
    thefts = []
    for theft in fleet.thefts:
        own = owners.get(theft.principals[0], [])
        thefts.append(msgspec.structs.replace(theft, prior_uses=bisect_left(own, theft.seconds[0])))
    return Truth(tuple(thefts), {call.event_id: call.churn for call in fleet.calls if call.churn})
