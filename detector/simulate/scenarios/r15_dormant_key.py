"""R15: a static key that nobody used for days wakes up."""

from __future__ import annotations

import itertools
from typing import ClassVar, Final, Literal

from detector.domain import KINDS
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY

_SILENCE: Final = 5 * DAY


class DormantKey(Scenario):
    """Forgotten keys are found in old images and histories."""

    name: ClassVar[str] = "r15_dormant_key"
    title: ClassVar[str] = "Dormant static key used again"
    description: ClassVar[str] = (
        "A key that was silent for five days or more is used from outside (S0), from the cloud (S1, S2) or "
        "from another workload of the tenant (S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1078.004", "T1552.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = tuple(kind.label for kind in KINDS if kind.static)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Five days or more after its last use."""
        used = fleet.surroundings.uses.get(id(holding.caller), [])
        silences = [
            (last + _SILENCE, following)
            for last, following in itertools.pairwise([*used, min(holding.last, fleet.end)])
            if following - last > _SILENCE
        ]
        if not silences:
            return None
        low, high = silences[fleet.between(0, len(silences))]
        return moment(fleet, low, high)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context())
