"""R19: the thief makes his place look usual for weeks before he acts."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR

_SHORTEST, _LONGEST = 10, 18  # days
_MOST_PER_DAY: Final = 2


class PoisoningRamp(Scenario):
    """A use or two a day, more and more, each as the victim's: then what he came for."""

    name: ClassVar[str] = "r19_poisoning_ramp"
    title: ClassVar[str] = "Slow ramp that teaches the detector the thief's place"
    description: ClassVar[str] = (
        "From the first days on the thief makes one or two in-profile uses a day from where he will act, more "
        "often as the square root of time, for ten to eighteen days. Then he acts. The ramp is malicious and "
        "counted; `opening` says where it ends."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1562")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S2", "S3")
    days: ClassVar[tuple[float, float]] = (0.0, 11.0)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """In the first two days, where the credential lasts for the shortest ramp and a day."""
        last = min(holding.last, fleet.end)
        low = max(holding.start, holding.principal.since, fleet.start + DAY // 4)
        high = min(fleet.start + 2 * DAY, last - (_SHORTEST + 1) * DAY)
        return fleet.between(low, high) if low < high else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet = play.fleet
        longest = min(_LONGEST * DAY, min(play.victim.last, fleet.end) - play.begin - DAY)
        length = fleet.between(_SHORTEST * DAY, longest + 1)
        context = play.context()
        ramp = _ramp(fleet, play.begin, length)
        for second, action in zip(ramp, play.in_profile(len(ramp)), strict=True):
            play.use(second, context, action)
        play.ramp = len(ramp)
        play.goes_on = True  # the detector is to see both
        play.uses(play.while_valid(begin=play.begin + length), context)


def _ramp(fleet: Fleet, begin: int, length: int) -> list[int]:
    """Seconds of uses whose rate grows as the square root of time up to `_MOST_PER_DAY`, each hours from the next."""
    count = max(2, int(_MOST_PER_DAY * 2 / 3 * length / DAY))
    due = [begin + int(length * (at / count) ** (2 / 3)) for at in range(count)]
    return [begin, *(max(begin, second - fleet.between(0, 4 * HOUR)) for second in due[1:])]
