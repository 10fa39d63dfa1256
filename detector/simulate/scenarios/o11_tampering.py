"""O11: the logs and the guards are switched off."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import LOOKING, TAMPERING, InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR


class Tampering(Scenario):
    """Before the noisy part: trails stopped, detectors deleted, retention cut to a day."""

    name: ClassVar[str] = "o11_tampering"
    title: ClassVar[str] = "Tampering with logs and guards"
    description: ClassVar[str] = (
        "From the victim's own workload logging is stopped, sensors are removed or retention is cut, after a look at "
        "what there is."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1562.008", "T1562.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the log has guards to switch off."""
        return super().begin(fleet, holding) if TAMPERING.operations(holding) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, victim = play.fleet, play.victim
        looking = LOOKING.operations(victim)
        looked = chosen(fleet, looking, fleet.between(1, 4)) if looking else []
        switched = chosen(fleet, TAMPERING.operations(victim), fleet.between(1, 6))
        operations = woven(play, [*tried(play, looked), *tried(play, switched)])
        workload = InPlace.of(play)
        workload.do(workload.burst(len(operations), HOUR), operations)
