"""R17: one origin tries many credentials within two minutes of their leak."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Context
from detector.simulate.disguise import victims_client
from detector.simulate.fleet import Holding
from detector.simulate.play import Play, question
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth

_FEWEST, _MOST = 5, 50
_FIRST_USE: Final = (67, 128)  # seconds after the leak


class Harvest(Scenario):
    """Who has emptied a secret store first asks of each credential whose it is."""

    name: ClassVar[str] = "r17_harvest"
    title: ClassVar[str] = "One origin uses many stolen credentials"
    description: ClassVar[str] = (
        "Five to fifty credentials of one realm leak together. Each is tried 67 to 127 seconds later from one "
        "origin, as has been measured for leaked keys, with a question whose it is; then some of them are "
        "used."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.001", "T1087.004")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, context = play.fleet, play.context()
        wanted = int(_FEWEST * (_MOST / _FEWEST) ** fleet.rng.random())
        stolen = play.harvest(wanted)
        play.goes_on = True  # nobody has noticed
        tried = sorted(play.begin + fleet.between(*_FIRST_USE) for _ in stolen)
        for second, holding in zip(tried, stolen, strict=True):
            play.use(second, _from(play, context, holding), question(holding), holding=holding)
        for second in play.times(begin=tried[-1] + 1):
            holding = stolen[fleet.between(0, len(stolen))]
            ((action, error),) = play.actions(1, holding=holding)
            if second < holding.end:
                play.use(second, _from(play, context, holding), action, error, holding=holding)


def _from(play: Play, context: Context, holding: Holding) -> Context:
    """The one origin; at S2 each credential is used with the client of its own workload."""
    return context._replace(client=victims_client(holding, play.begin)) if play.stealth == "S2" else context
