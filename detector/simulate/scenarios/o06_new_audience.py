"""O06: a credential used on services, or in an account, that it was never meant for."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.minted import assume, can_assume
from detector.simulate.misuse import InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.sessions import ASSUME_ROLE
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR, MINUTE

_OPERATIONS: Final = 3  # of other services, at least


class NewAudience(Scenario):
    """The token is good elsewhere too: at another service of the same issuer, or for another account's role."""

    name: ClassVar[str] = "o06_new_audience"
    title: ClassVar[str] = "New audience, cross-service use or role chain"
    description: ClassVar[str] = (
        "From the victim's own workload its token is used on services that it never calls and others' tokens do; in "
        "AWS, a role of another account is assumed and used."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1199")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        "aws.session", "k8s.", "spiffe.", "oauth.", "entra.", "gcp.", "okta.", "agent.",
    )  # fmt: skip

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where another account's role, or another service, is in reach."""
        reach = can_assume(fleet, holding, elsewhere=True) or len(_foreign(fleet, holding)) >= _OPERATIONS
        return super().begin(fleet, holding) if reach else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, victim = play.fleet, play.victim
        workload, count = InPlace.of(play), max(play.count, _OPERATIONS)
        if not can_assume(fleet, victim, elsewhere=True):
            operations = woven(play, tried(play, chosen(fleet, _foreign(fleet, victim), count)))
            workload.do(workload.burst(len(operations), DAY), operations)
            return
        made = assume(play, victim, play.begin, workload.context(victim, play.begin, ASSUME_ROLE), elsewhere=True)
        begin = play.begin + fleet.between(1, 3 * MINUTE)
        operations = tried(play, [action for action, _ in play.actions(count)])
        workload.do_with(made, play.times(count, begin=begin, span=min(play.span, HOUR - 5 * MINUTE)), operations)


def _foreign(fleet: Fleet, holding: Holding) -> tuple[Action, ...]:
    """What tokens of the same product do at services that the victim's group never calls."""
    group, product = holding.principal.group, holding.kind.partition(".")[0]
    own = {action.service for action in (*group.repertoire.actions, *group.repertoire.rare)}
    others = (one.repertoire for one in fleet.groups if one.kind.partition(".")[0] == product and one is not group)
    found = (action for repertoire in others for action in (*repertoire.actions, *repertoire.rare))
    return tuple(dict.fromkeys(action for action in found if action.service not in own))
