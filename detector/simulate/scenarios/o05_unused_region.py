"""O05: computing in a region where the tenant has nothing."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.addresses import REGIONS
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import COMPUTE, InPlace, chosen, tried
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_CALLS: Final = 4


class UnusedRegion(Scenario):
    """Machines started where nobody looks, mostly to mine."""

    name: ClassVar[str] = "o05_unused_region"
    title: ClassVar[str] = "Compute abuse in an unused region"
    description: ClassVar[str] = (
        "From the victim's own workload instances are started, and quotas looked at, in regions where the tenant does "
        "not work: one, or one after the other."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1535", "T1578.002", "T1496.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")
    kinds: ClassVar[tuple[str, ...]] = ("aws.",)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where there is a region that the tenant does not use."""
        return super().begin(fleet, holding) if len(fleet.regions) < len(REGIONS) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, count = play.fleet, max(play.count, _CALLS)
        unused = [region for region in REGIONS if region not in fleet.regions]
        order = fleet.rng.permutation(len(unused)).tolist()
        regions = [unused[at] for at in order[: fleet.between(1, 4)]]
        operations = tried(play, chosen(fleet, COMPUTE.operations(play.victim), count))
        workload = InPlace.of(play)
        seconds = workload.burst(count, 6 * HOUR)
        for number, region in enumerate(regions):
            part = slice(number * count // len(regions), (number + 1) * count // len(regions))
            workload.do(seconds[part], operations[part], region=region)
