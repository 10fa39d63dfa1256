"""O12: a credential that will still be there when the stolen one is gone."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.minted import mint
from detector.simulate.misuse import ISSUING, LOOKING, STAYING, InPlace, chosen, issuing, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR, MINUTE

_COMES_BACK: Final = 0.5  # of thieves: they use the new credential within the simulated time
_VISITS: Final = (2, 20)  # uses of it


class Persistence(Scenario):
    """New users, keys and trusts, made by a workload; later used from outside."""

    name: ClassVar[str] = "o12_persistence"
    title: ClassVar[str] = "Persistence: a new key or trust"
    description: ClassVar[str] = (
        "From the victim's own workload a user, a trust or a role binding is made and a new key or token issued; half "
        "of the thieves come back with it hours later, from wherever their stealth has them."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1098.001", "T1136.003")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")
    days: ClassVar[tuple[float, float]] = (0.0, 1.2)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the log has ways to stay."""
        return super().begin(fleet, holding) if ISSUING.operations(holding) and STAYING.operations(holding) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet = play.fleet
        staying = STAYING.operations(play.victim)
        operations = woven(play, tried(play, chosen(fleet, staying, fleet.between(1, 5))))
        workload = InPlace.of(play)
        happened = workload.do(workload.burst(len(operations), HOUR), operations)
        found = workload.held(happened[-1] + fleet.between(2, 5 * MINUTE)) if happened else None
        if found is None:
            return
        second, by = found
        action = issuing(play)
        made = mint(play, by, second, workload.context(by, second, action), action)
        if fleet.rng.random() < _COMES_BACK:
            self._come_back(play, made, second + fleet.between(HOUR, DAY))

    def _come_back(self, play: Play, made: Holding, begin: int) -> None:
        """The thief at home, with the credential that he made."""
        least, most = _VISITS
        pool = LOOKING.operations(play.victim) or play.unusual()
        operations = tried(play, chosen(play.fleet, pool, max(least, min(play.count, most))))
        context = play.context()
        for second, (action, error) in zip(play.times(len(operations), begin=begin), operations, strict=True):
            if second < made.end:
                play.use(second, context, action, error, holding=made)
