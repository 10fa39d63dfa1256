"""O04: a credential gives itself rights, makes another credential and works with that."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.minted import assume, can_assume, mint
from detector.simulate.misuse import GRANTING, ISSUING, LOOKING, SECRETS, InPlace, chosen, issuing, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.sessions import ASSUME_ROLE
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR, MINUTE

_USES: Final = (3, 40)  # of the credential that was made


class PrivilegeEscalation(Scenario):
    """A chain: look at the rights, change them, take a credential that has more, work with it."""

    name: ClassVar[str] = "o04_privilege_escalation"
    title: ClassVar[str] = "Privilege escalation chain"
    description: ClassVar[str] = (
        "From the victim's own workload rights are looked at and changed (a policy attached, a new version made, a "
        "trust edited); then a credential with more rights is made, of another user or role where the source has "
        "them, and used from the same place."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1098.003", "T1098.001", "T1548.005")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2", "S3")
    days: ClassVar[tuple[float, float]] = (0.0, 0.6)

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where rights can be changed and credentials made."""
        possible = GRANTING.operations(holding) and ISSUING.operations(holding) and LOOKING.operations(holding)
        return super().begin(fleet, holding) if possible else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, victim = play.fleet, play.victim
        looked = tried(play, chosen(fleet, LOOKING.operations(victim), fleet.between(1, 4)))
        changed = [(action, "") for action in chosen(fleet, GRANTING.operations(victim), fleet.between(1, 4))]
        operations = woven(play, [*looked, *changed])
        workload = InPlace.of(play)
        happened = workload.do(workload.burst(len(operations), 6 * HOUR), operations)
        found = workload.held(happened[-1] + fleet.between(2, 10 * MINUTE)) if happened else None
        if found is None:
            return
        second, by = found
        if can_assume(fleet, by, elsewhere=False) and fleet.rng.random() < 0.5:
            made = assume(play, by, second, workload.context(by, second, ASSUME_ROLE))
        else:
            action = issuing(play)
            made = mint(play, by, second, workload.context(by, second, action), action)
        least, most = _USES
        pool = SECRETS.operations(victim) or LOOKING.operations(victim)
        gained = [(action, "") for action in chosen(fleet, pool, max(least, min(play.count, most)))]
        begin = second + fleet.between(10, 5 * MINUTE)
        workload.do_with(made, play.times(len(gained), begin=begin, span=min(play.span, 30 * MINUTE)), gained)
