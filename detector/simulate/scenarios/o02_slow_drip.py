"""O02: a few sensitive operations, days apart."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import GRANTING, SECRETS, InPlace, chosen, tried
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY

_DRIP: Final = 14 * DAY
_LEARNT: Final = 5 * DAY  # of the run are over before it begins: two weeks are to be left of three


class SlowDrip(Scenario):
    """So few and so far apart that no rate moves; only their sum over two weeks tells."""

    name: ClassVar[str] = "o02_slow_drip"
    title: ClassVar[str] = "Slow drip of sensitive operations"
    description: ClassVar[str] = (
        "From the victim's own workload, with its client: four to eight operations that read secrets or change rights, "
        "spread over two weeks. None of them would be worth a look by itself."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1555.006", "T1098.003")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S2", "S3")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """From the sixth day on, with two weeks to go (less in a short run), while the workload lives."""
        low = max(holding.start, holding.principal.since, fleet.start + _LEARNT)
        high = min(holding.last, max(fleet.end - _DRIP, fleet.start + _LEARNT + DAY))
        if low >= high or not self._pool(holding):
            return None
        last = max(one.last for one in fleet.holdings if one.principal is holding.principal)
        return fleet.between(low, high) if last >= min(fleet.end, high + _DRIP) - DAY else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        count = play.fleet.between(4, 9)
        operations = tried(play, chosen(play.fleet, self._pool(play.victim), count))
        InPlace.of(play).do(play.times(count, span=_DRIP), operations)

    def _pool(self, holding: Holding) -> tuple[Action, ...]:
        return (*SECRETS.operations(holding), *GRANTING.operations(holding))
