"""R18: the thief only works while the victim is silent."""

from __future__ import annotations

from bisect import bisect_left
from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play, silences, spread
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR, MINUTE

_AWAY: Final = 30 * MINUTE  # from every use of the victim
_PAUSE: Final = 5 * MINUTE  # between his own uses, on average
_WATCHED: Final = 5  # uses that tell him its hours


class NightMimic(Scenario):
    """He has watched his victim: no two uses of the two ever alternate closely."""

    name: ClassVar[str] = "r18_night_mimic"
    title: ClassVar[str] = "Token used only while its owner is silent"
    description: ClassVar[str] = (
        "The thief keeps half an hour away from every use of the owner, with the owner's client, from the "
        "cloud (S2) or from another workload (S3): whoever waits for two places that alternate waits in vain."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1029")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S2", "S3")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """In one of the victim's silences."""
        own = fleet.surroundings.seconds.get(id(holding.principal), [])
        known = bisect_left(own, holding.start)
        quiet = [
            window
            for window in silences(own[known:], holding.last, _AWAY)
            if len(own) >= _WATCHED and moment(fleet, *window) is not None
        ]
        return moment(fleet, *quiet[fleet.between(0, len(quiet))]) if quiet else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, victim = play.fleet, play.victim
        end = min(victim.last, fleet.end, play.begin + max(play.span, 6 * HOUR))
        own = fleet.surroundings.seconds[id(victim.principal)]
        ahead = own[max(0, bisect_left(own, play.begin) - 1) :]
        windows = [(max(low, play.begin), min(high, end)) for low, high in silences(ahead, end, _AWAY)]
        open_windows = [(low, high) for low, high in windows if low < high]
        play.goes_on = True  # else he would need no silence
        unhurried = 1 + sum(high - low for low, high in open_windows) // _PAUSE
        play.uses(spread(fleet, open_windows, min(play.count, unhurried)), play.context())
