"""R05: a token is used from another workload of the same tenant."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class TenantLateral(Scenario):
    """Whoever has broken into one workload uses what he finds there of another."""

    name: ClassVar[str] = "r05_tenant_lateral"
    title: ClassVar[str] = "Token replayed from another workload of the tenant"
    description: ClassVar[str] = (
        "The credential is used from another workload's way out in the same realm, with the victim's client "
        "and the victim's operations: everything about it is known, but not together."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1021.007")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S3",)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context("neighbour"))
