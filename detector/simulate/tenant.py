"""One tenant from its seed: places, populations, then thefts; and the dataset that a seed names.

Every tenant is a world of its own, so tenants can be simulated and judged one by one, in any order, on any core.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.simulate import sites as places
from detector.simulate.call import BENIGN
from detector.simulate.fleet import Fleet, Holding
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
    tenants: int = 5
    thefts: int = 6  # of each scenario and stealth, in each tenant; 0 = a fleet in which nothing is stolen

    def tenant(self, number: int, **chosen: float) -> Fleet:
        """Simulate tenant `number` (0 and up); `chosen` fixes parameters."""
        seeds = (zlib.crc32(self.split.encode()), zlib.crc32(self.tier.encode()), self.seed, number)
        rng = np.random.default_rng(seeds)
        return simulate(draw(self.split, self.tier, rng, **chosen), seeds, self.thefts, name=f"t{number:02}")


def simulate(
    parameters: Parameters,
    seeds: tuple[int, ...],
    thefts: int,
    *,
    name: str = "t00",
    only: str = "",
    scenarios: Iterable[Scenario] | None = None,
) -> Fleet:
    """A finished tenant: calls in order of time, thefts told apart; `only` those of the scenario of that name.

    `scenarios` are played instead of the family's members.
    """
    end = START + parameters.days * DAY
    fleet = Fleet(np.random.default_rng(seeds), START, end, parameters=parameters, seeds=seeds, name=name)
    sites = places.draw(fleet)
    fleet.uplinks = [office.spans[0].addresses for office in sites.offices if office.connection > 1]
    populate(fleet, sites)
    for scenario in load_scenarios().values() if scenarios is None else scenarios:
        if only not in {"", scenario.name}:
            continue
        with fleet.chance(scenario.name):
            kinds = _by_principal(fleet, scenario)
            for stealth in scenario.stealths:
                for _ in range(thefts):
                    _steal(fleet, sites, scenario, stealth, kinds)
    fleet.finish()
    return fleet


def _by_principal(fleet: Fleet, scenario: Scenario) -> list[list[list[Holding]]]:
    """What the scenario can be played on: holdings, by principal, by kind."""
    kinds: dict[str, dict[int, list[Holding]]] = {}
    for holding in fleet.holdings:
        if scenario.suits_kind(holding.kind):
            kinds.setdefault(holding.kind, {}).setdefault(id(holding.principal), []).append(holding)
    return [list(principals.values()) for principals in kinds.values()]


def _steal(
    fleet: Fleet, sites: places.Sites, scenario: Scenario, stealth: Stealth, kinds: list[list[list[Holding]]]
) -> None:
    """One theft, of a principal that nobody has stolen from yet, if there is one that suits: of any kind alike."""
    before, after = scenario.days
    for _ in range(_TRIES if kinds else 0):
        principals = kinds[fleet.between(0, len(kinds))]
        holdings = principals[fleet.between(0, len(principals))]
        victim = holdings[fleet.between(0, len(holdings))]
        begin = scenario.begin(fleet, victim) if id(victim.principal) not in fleet.stolen else None
        if begin is None or not fleet.start + before * DAY <= begin <= fleet.end - after * DAY:
            continue
        fleet.stolen.add(id(victim.principal))
        play = Play.draw(fleet, sites, victim, stealth, begin)
        scenario.play(play)
        play.end(scenario.name, scenario.family, scenario.techniques)
        if play.event_ids:
            return
        break
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
