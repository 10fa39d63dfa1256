"""R09: a token is used after it has expired, or long after its owner has had the next one."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR, MINUTE

_STALE: Final = 7 * DAY


class AfterExpiry(Scenario):
    """Services that forget to look at the expiry, and clusters that accept a token for a year."""

    name: ClassVar[str] = "r09_after_expiry"
    title: ClassVar[str] = "Token accepted after its expiry, or long after it went stale"
    description: ClassVar[str] = (
        "Services that check a signature and not the time accept an expired SVID, certificate or token; "
        "clusters that extend tokens accept one for a year that its pod replaces every hour. AWS refuses "
        "expired sessions, so none is played there."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001",)
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        "k8s.bound-token",
        "spiffe.",
        "mtls.cert",
        "oauth.",
        "gcp.access-token",
        "agent.token",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """An hour or more after the owner went on to the next one where the old one lasts; else after the expiry."""
        left, next_one = holding.end, holding.until
        if next_one and left - next_one > _STALE:
            return moment(fleet, next_one + HOUR, min(left, holding.workload_end or left, next_one + 10 * DAY))
        return moment(fleet, left + 5 * MINUTE, left + 2 * DAY)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.goes_on = True  # with the next one
        play.uses(play.times(), play.context())
