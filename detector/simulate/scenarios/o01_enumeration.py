"""O01: a burst of looking around, from the victim's own workload."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import LOOKING, InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_QUESTIONS: Final = 8  # different ones, at least


class Enumeration(Scenario):
    """Which rights are these, and what is there: many different questions within minutes."""

    name: ClassVar[str] = "o01_enumeration"
    title: ClassVar[str] = "Burst of enumeration in place"
    description: ClassVar[str] = (
        "Through a request forgery or remote code execution somebody asks, from the victim's own workload, who it is, "
        "what it may do and what there is: a tool's sweep (S0), a script's (S1), or with the victim's client and among "
        "its own work (S2)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1526", "T1580", "T1087.004")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the log knows enough questions."""
        return super().begin(fleet, holding) if len(LOOKING.operations(holding)) >= _QUESTIONS else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        pool = LOOKING.operations(play.victim)
        count = min(max(play.count, _QUESTIONS), 2 * len(pool))
        operations = woven(play, tried(play, chosen(play.fleet, pool, count)))
        workload = InPlace.of(play)
        workload.do(workload.burst(len(operations), HOUR), operations)
