"""O07: the usual operations, on everything there is."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import InPlace, chosen, tried
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_FACTOR: Final = 5  # a bulk is so much larger than another theft,
_LEAST, _MOST = 40, 250  # within these bounds: not much more than a backfill reads


class BulkRead(Scenario):
    """Exfiltration: what the victim does all day, on resources it never touched, by the hundred."""

    name: ClassVar[str] = "o07_bulk_read"
    title: ClassVar[str] = "Bulk read of new resources"
    description: ClassVar[str] = (
        "From the victim's own workload the reads that it always makes are made by the hundred, on buckets, tables or "
        "objects that it never touched: with an SDK (S1), the victim's client (S2), or spread over hours (S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1530", "T1213")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the victim reads things of which there are others."""
        return super().begin(fleet, holding) if _others(fleet, holding) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        count = min(_MOST, max(_LEAST, _FACTOR * play.count))
        operations = tried(play, chosen(play.fleet, _others(play.fleet, play.victim), count), refused=0.02)
        workload = InPlace.of(play)
        if play.stealth == "S3":
            workload.do(play.times(count, span=8 * HOUR), operations)
        else:
            workload.do(workload.burst(count, HOUR), operations)


def _others(fleet: Fleet, holding: Holding) -> tuple[Action, ...]:
    """The reads that the victim's group makes, on resources that it does not read and other groups do."""
    own = holding.principal.group.repertoire.actions
    reads = {action.text for action in own if action.read_only and _resource(action)}
    known = {_resource(action) for action in own}
    everybody = (action for group in fleet.groups for action in group.repertoire.actions)
    return tuple(
        dict.fromkeys(action for action in everybody if action.text in reads and _resource(action) not in known)
    )


def _resource(action: Action) -> str:
    """What an action is about, in whichever place its format has for it."""
    return action.resource or (action.request if action.request != "null" else "")
