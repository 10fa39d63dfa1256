"""R10: a credential is accepted after it was revoked."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.domain import KINDS
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.withdrawal import withdraw
from detector.simulate.world import HOUR, MINUTE

_SHORTEST_GAP: Final = 3 * MINUTE
_LONGEST_GAP: Final = 12 * HOUR


class AfterRevocation(Scenario):
    """The revocation is logged, the owner goes on with a new credential, and the old one still works somewhere."""

    name: ClassVar[str] = "r10_after_revocation"
    title: ClassVar[str] = "Credential accepted after its revocation"
    description: ClassVar[str] = (
        "The owner's key is rotated and the old one withdrawn, as the log says. A copy still works: for "
        "minutes while the revocation spreads, for hours at a service that does not ask."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1078.004", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        *(kind.label for kind in KINDS if kind.static and kind.name.partition(".")[0] != "k8s"),
        "vault.token",
        "oauth.refresh-token",
        "github.app",
        "agent.token",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Late enough that the revocation before it falls into the simulated time."""
        begin = super().begin(fleet, holding)
        return begin if begin is None or begin - _LONGEST_GAP > max(holding.start, fleet.start) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        gap = int(_SHORTEST_GAP * (_LONGEST_GAP / _SHORTEST_GAP) ** play.fleet.rng.random())
        withdraw(play.fleet, play.victim, play.begin - gap)
        play.goes_on = True  # with the new one
        play.uses(play.while_valid(), play.context())
