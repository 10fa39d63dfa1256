"""R07: the thief sits on the victim's own workload and does as it does. The control."""

from __future__ import annotations

from bisect import bisect_left
from typing import ClassVar, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import LEARNING_DAYS, Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY


class SameWorkload(Scenario):
    """Nothing differs from the victim, so nobody can tell: what is found here is a leak or chance."""

    name: ClassVar[str] = "r07_same_workload"
    title: ClassVar[str] = "Token used on the victim's own workload, as the victim uses it"
    description: ClassVar[str] = (
        "Context, client, operations and pace are drawn exactly as the victim's own are. No detector can "
        "tell; recall beyond the rate of false alarms means that the simulation leaks."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.005",)
    stealths: ClassVar[tuple[Stealth, ...]] = ("S4",)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Right after a use of the victim, as the next use of a task comes."""
        used = fleet.surroundings.uses.get(id(holding.caller), [])
        known = used[bisect_left(used, fleet.start + LEARNING_DAYS * DAY) :]
        second = known[fleet.between(0, len(known))] + fleet.between(1, 15) if known else 0
        return moment(fleet, second, min(second + 1, holding.last))

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        victim = play.victim
        end = min(victim.last, play.begin + 3 * DAY)
        owner = victim.principal
        side_by_side = {
            id(one.habitat)
            for one in play.fleet.holdings
            if one.principal is owner and one.start <= play.begin < one.last
        }
        later = owner.rhythm.seconds(play.fleet, play.begin + 1, end, share=1 / max(1, len(side_by_side)))
        play.goes_on = True  # it is the victim's own machine
        play.imitate([play.begin, *later[: play.count - 1]])
