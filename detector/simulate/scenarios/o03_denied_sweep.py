"""O03: trying out what a credential may do, mostly in vain."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import GRANTING, LOOKING, SECRETS, InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_TRIES: Final = 12
_REFUSED: Final = (0.3, 0.9)


class DeniedSweep(Scenario):
    """Rights guessed by calling: one operation after another, most of them refused."""

    name: ClassVar[str] = "o03_denied_sweep"
    title: ClassVar[str] = "Sweep over refused operations"
    description: ClassVar[str] = (
        "From the victim's own workload somebody tries operation after operation to learn what the credential may do; "
        "30 to 90 % are refused. A tool is done in a minute (S0, S1), a patient thief mixes it into the victim's work "
        "(S2)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1580", "T1069.003", "T1078.004")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the log has enough to try."""
        return super().begin(fleet, holding) if len(_pool(holding)) >= _TRIES else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        pool = _pool(play.victim)
        count = min(max(play.count, _TRIES), 2 * len(pool))
        refused = float(play.fleet.rng.uniform(*_REFUSED))
        operations = woven(play, tried(play, chosen(play.fleet, pool, count), refused=refused))
        workload = InPlace.of(play)
        workload.do(workload.burst(len(operations), 6 * HOUR), operations)


def _pool(holding: Holding) -> tuple[Action, ...]:
    """What there is to try: looking, reading secrets, granting."""
    return tuple(dict.fromkeys(one for purpose in (LOOKING, SECRETS, GRANTING) for one in purpose.operations(holding)))
