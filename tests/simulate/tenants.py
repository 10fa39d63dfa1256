"""A tenant in which one population lives alone, and what the source of its log makes of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detector.domain import KINDS, UseRow
from detector.simulate import sites as places
from detector.simulate.call import Call
from detector.simulate.fleet import Fleet
from detector.simulate.parameters import Tier, draw
from detector.simulate.populations.base import Population
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, START
from detector.sources.cloudtrail import CloudTrail


def empty_tenant(seed: int = 1, tier: Tier = "ordinary", **chosen: float) -> tuple[Fleet, Sites]:
    seeds = (seed,)
    parameters = draw("dev", tier, np.random.default_rng(seeds), **chosen)
    end = START + parameters.days * DAY
    fleet = Fleet(np.random.default_rng(seeds), START, end, parameters=parameters, seeds=seeds)
    return fleet, places.draw(fleet)


def tenant(*populations: Population, seed: int = 1, tier: Tier = "ordinary", **chosen: float) -> Fleet:
    fleet, sites = empty_tenant(seed, tier, **chosen)
    for population in populations:
        with fleet.chance(population.name):
            population.populate(fleet, sites, max(1, round(population.share * fleet.parameters.principals)))
    fleet.finish()
    return fleet


def read(calls: Iterable[Call]) -> list[UseRow]:
    reading = CloudTrail().read([call.caller.render(call) for call in calls], "unknown")
    assert not reading.rejected
    return reading.rows


def disagreements(fleet: Fleet) -> list[str]:
    """Where the log's source and the holdings tell different things; both have to know of something."""
    held = {
        holding.credential: (holding.kind, holding.principal.name, holding.session, holding.principal.realm)
        for holding in fleet.holdings
    }
    seen = {
        row.credential: (KINDS[row.kind].label, row.principal, row.session, row.realm)
        for row in read(fleet.calls)
        if row.use_index == 0 and row.credential in held
    }
    assert seen
    return [f"held {held[key]}, read {found}" for key, found in seen.items() if held[key] != found]
