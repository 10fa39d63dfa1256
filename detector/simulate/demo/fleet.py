"""A small labelled fleet: some forty principals in two accounts, as native CloudTrail records.

Everything an ordinary week does to a detector is in it: rolling deploys, a NAT pool, CI jobs from ever-new addresses,
Lambda environments, role chaining, VPC endpoints, vendors, engineers, AWS on behalf. And, if asked for, one theft.
The same seed gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from detector.simulate.demo import attacks, ci, functions, instances, people
from detector.simulate.demo.attacks import Theft
from detector.simulate.demo.world import DemoWorld
from detector.simulate.world import DAY, START

# Shares of the calls per day.
_INSTANCES, _FUNCTIONS, _CI, _VENDORS, _ENGINEERS, _AWS = 0.52, 0.22, 0.12, 0.08, 0.03, 0.03


@dataclass(frozen=True, slots=True)
class Truth:
    """What is malicious, apart from the events."""

    thefts: tuple[Theft, ...]

    @property
    def malicious(self) -> frozenset[str]:
        """Event ids of every malicious use."""
        return frozenset(event_id for theft in self.thefts for event_id in theft.event_ids)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated log. `records` are in order of (event time, event id); `seconds` are their event times, UTC.

    `story` counts what happened: deploys, instances, CI jobs, function environments, SDK updates.
    """

    records: list[bytes]
    seconds: NDArray[np.int64]
    truth: Truth
    story: Mapping[str, int]


def fleet(seed: int, days: int = 7, events_per_day: int = 6_000, *, attack: bool = True) -> Simulation:
    """Simulate `days` days from 2026-01-05 with about `events_per_day` records a day.

    Raises UsageError when there is less than a day, or fewer events than the fleet needs to look alive.
    """
    if days < 1 or events_per_day < 1_000:
        raise UsageError(f"expected days >= 1 and events_per_day >= 1000, found {days} and {events_per_day}")
    world = DemoWorld(np.random.default_rng(seed), START, START + days * DAY)
    services = instances.services(world)
    instances.share(services, _INSTANCES * events_per_day)
    for service in services:
        instances.run(world, service)
    for name in functions.NAMES:
        functions.run(world, name, _FUNCTIONS * events_per_day / len(functions.NAMES))
    for repository in ci.REPOSITORIES:
        ci.run(world, repository, _CI * events_per_day / len(ci.REPOSITORIES))
    for name in people.VENDORS:
        people.vendor(world, name, _VENDORS * events_per_day / len(people.VENDORS))
    for name in people.ENGINEERS:
        people.engineer(world, name, _ENGINEERS * events_per_day / len(people.ENGINEERS))
    people.aws(world, _AWS * events_per_day)
    thefts = (attacks.imds_replay(world),) if attack else ()
    world.calls.sort(key=lambda call: (call.second, call.event_id))
    seconds = np.fromiter((call.second for call in world.calls), np.int64, len(world.calls))
    return Simulation([call.caller.render(call) for call in world.calls], seconds, Truth(thefts), dict(world.story))
