"""R06: a token is used behind the victim's own gateways, from another machine."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class SameGateway(Scenario):
    """Another machine behind the same gateways, with the victim's user agent."""

    name: ClassVar[str] = "r06_same_gateway"
    title: ClassVar[str] = "Token replayed behind the victim's own gateways"
    description: ClassVar[str] = (
        "The credential is used from another machine that leaves by the same addresses, with a copied user "
        "agent and the victim's operations. What is left to see is that one holder does the work of two."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1036")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S3",)
    kinds: ClassVar[tuple[str, ...]] = (
        "aws.session/",
        "aws.access-key",
        "vault.token",
        "spiffe.",
        "gcp.",
        "entra.",
        "oauth.",
        "api-key",
        "snowflake.",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Only where others leave by the same addresses: else it would be the victim's own machine."""
        shared = fleet.surroundings.sharers.get(id(holding.habitat.egress), 0) > 1
        return super().begin(fleet, holding) if shared else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context("own"))
