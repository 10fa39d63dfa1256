"""A scenario: one named way to misuse a stolen credential, at several degrees of stealth.

| stealth | the thief |
|---|---|
| S0 | rents a machine, runs a tool of his own, and looks around first |
| S1 | works from the victim's cloud and region with an SDK |
| S2 | also sends the victim's user agent, and half of what he does the victim does too |
| S3 | is inside the tenant or behind the same gateways, does only what the victim does, slowly |
| S4 | sits on the victim's own workload and does the same: nobody can tell. The control |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from typing import ClassVar, Final, Literal

from detector.registry import members
from detector.simulate import scenarios
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR, MINUTE

_AS_IT_IS_USED: Final = 0.5
LEARNING_DAYS: Final = 7  # no theft before: a third of the shortest run


class Scenario(ABC):
    """A member of the family. `name` is the file's name and the id in every table.

    `kinds` are labels of credential kinds it is played on, or prefixes of them; empty = any.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    family: ClassVar[Literal["replay", "scope"]]
    techniques: ClassVar[tuple[str, ...]]  # ATT&CK
    stealths: ClassVar[tuple[Stealth, ...]]
    kinds: ClassVar[tuple[str, ...]] = ()
    days: ClassVar[tuple[float, float]] = (0.0, 0.0)  # (before, after) its beginning that it needs in the simulation

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """When the thief of `holding` begins (seconds), or None where the scenario can't be played on it.

        Anywhere in the time its holder uses it, unless the member says otherwise; half of the thieves get at it as it
        is used, so their hours and minutes are the owner's.
        """
        begin = moment(fleet, max(holding.start, holding.principal.since), holding.last)
        if begin is None or fleet.rng.random() >= _AS_IT_IS_USED:
            return begin
        used = fleet.surroundings.uses.get(id(holding.caller), [])
        following = bisect_left(used, begin)
        if following == len(used):
            return begin
        second = used[following] + fleet.between(1, MINUTE)
        return moment(fleet, second, min(second + 1, holding.last)) or begin

    def suits_kind(self, kind: str) -> bool:
        """Whether the scenario is played on credentials of `kind`."""
        return not self.kinds or kind.startswith(self.kinds)

    @abstractmethod
    def play(self, play: Play) -> None:
        """Make the malicious uses through `play`, and whatever else the scenario makes happen."""


def moment(fleet: Fleet, low: int, high: int) -> int | None:
    """A second in [low, high) in which a theft may begin, if there is one: thefts begin after `LEARNING_DAYS`."""
    low, high = max(low, fleet.start + LEARNING_DAYS * DAY), min(high, fleet.end - 2 * HOUR)
    return fleet.between(low, high) if low < high else None


def load_scenarios() -> dict[str, Scenario]:
    """All scenarios by name."""
    return {name: member() for name, member in members(scenarios, Scenario).items()}
