"""R02: a leaked static key is used through residential proxies, a new address for every call."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.domain import KINDS
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class ResidentialRotation(Scenario):
    """Who hides behind rented homes: one client, and never the same address twice."""

    name: ClassVar[str] = "r02_residential_rotation"
    title: ClassVar[str] = "Static key used through rotating residential proxies"
    description: ClassVar[str] = (
        "A key that leaked from a repository or a laptop is used through a proxy service that leaves by "
        "another household each time, with a tool (S0), an SDK (S1) or the owner's client (S2)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1078.004", "T1090.002")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")
    kinds: ClassVar[tuple[str, ...]] = tuple(kind.label for kind in KINDS if kind.static)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        client = play.client()
        seconds = play.while_valid()
        play.uses(seconds, [play.context("residential", client=client) for _ in seconds])
