"""R04: a token is used through a VPC endpoint of somebody else's network."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class ForeignEndpoint(Scenario):
    """The log shows a private address and an endpoint id instead of a public address."""

    name: ClassVar[str] = "r04_foreign_endpoint"
    title: ClassVar[str] = "Token replayed through a foreign VPC endpoint"
    description: ClassVar[str] = (
        "The credential is used from a private network of the thief's own account through a VPC endpoint. The "
        "log then shows a private address, which may well be one that the victim's network has too, and an "
        "endpoint that the victim never came through."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.005", "T1550.001", "T1090")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = ("aws.session/", "aws.access-key")

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context("endpoint"))
