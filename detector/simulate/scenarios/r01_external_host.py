"""R01: a workload's token is replayed from a host outside."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class ExternalHost(Scenario):
    """Stolen through an SSRF or from a crash dump, used from a rented machine or from the same cloud."""

    name: ClassVar[str] = "r01_external_host"
    title: ClassVar[str] = "Workload token replayed from an outside host"
    description: ClassVar[str] = (
        "The token of an instance, a pod or a function is read through a server-side request forgery and used from a "
        "machine outside: rented (S0), or in the victim's cloud (S1, S2)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.005", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")
    kinds: ClassVar[tuple[str, ...]] = (
        "aws.session/instance",
        "aws.session/function",
        "aws.session/container",
        "k8s.bound-token",
    )

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context())
