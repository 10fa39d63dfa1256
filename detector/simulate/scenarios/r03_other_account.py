"""R03: a token is used from another account of the same cloud, in the victim's region."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.disguise import Place
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class OtherAccount(Scenario):
    """The thief rents where his victim lives: same provider, same region, another account."""

    name: ClassVar[str] = "r03_other_account"
    title: ClassVar[str] = "Token replayed from another account of the same cloud and region"
    description: ClassVar[str] = (
        "The credential is used from machines or behind gateways of somebody else's account in the victim's "
        "region: the address belongs to the same cloud, so rules for traffic from outside the cloud stay "
        "silent."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.005", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2")
    kinds: ClassVar[tuple[str, ...]] = ("aws.session/", "aws.access-key", "k8s.bound-token", "gcp.", "entra.")

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        place: Place = "account" if play.fleet.rng.random() < 0.5 else "cloud"
        play.uses(play.while_valid(), play.context(place))
