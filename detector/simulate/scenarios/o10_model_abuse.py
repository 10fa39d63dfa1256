"""O10: somebody else's inference, on a stolen API key."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import InPlace, Operation, chosen, tried
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_FACTOR: Final = 15  # so much more than another theft,
_LEAST, _MOST = 80, 500  # within these bounds
_OWN: Final = {"S0": 0.0, "S1": 0.2, "S2": 0.5}  # share of calls to what the victim uses too


class ModelAbuse(Scenario):
    """A key that costs money: many more calls, and to the dearest models."""

    name: ClassVar[str] = "o10_model_abuse"
    title: ClassVar[str] = "Cost abuse of a model or API key"
    description: ClassVar[str] = (
        "The key of an application is used from its own workload for somebody else's work: hundreds of calls within "
        "hours, to models or functions that the application does not use."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1496.004",)
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")
    kinds: ClassVar[tuple[str, ...]] = ("api-key", "agent.token")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where there are models or functions that the victim does not use."""
        return super().begin(fleet, holding) if _others(fleet, holding) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet = play.fleet
        count = min(_MOST, max(_LEAST, _FACTOR * play.count))
        others = tried(play, chosen(fleet, _others(fleet, play.victim), count), refused=0.02)
        own: list[Operation] = [(action, "") for action in play.in_profile(count)]
        from_own = (fleet.rng.random(count) < _OWN[play.stealth]).tolist()
        operations = [own[at] if mine else others[at] for at, mine in enumerate(from_own)]
        workload = InPlace.of(play)
        workload.do(workload.burst(count, 6 * HOUR), operations)


def _others(fleet: Fleet, holding: Holding) -> tuple[Action, ...]:
    """What others do with keys of the same vendor, or with tokens of the same kind, and the victim does not."""
    group = holding.principal.group
    services = {action.service for action in group.repertoire.actions}
    own = {(action.text, action.resource) for action in group.repertoire.actions}
    found = (action for one in fleet.groups if one.kind == group.kind for action in one.repertoire.actions)
    return tuple(
        dict.fromkeys(
            action
            for action in (*found, *group.repertoire.rare, *group.unusual)
            if action.service in services and (action.text, action.resource) not in own
        )
    )
