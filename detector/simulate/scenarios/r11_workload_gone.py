"""R11: a token is used when its pod, task or instance is gone."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import MINUTE

_GRACE: Final = 5 * MINUTE  # the last calls of the workload itself are over


class WorkloadGone(Scenario):
    """A workload that ends does not end its credential."""

    name: ClassVar[str] = "r11_workload_gone"
    title: ClassVar[str] = "Token used after its workload is gone"
    description: ClassVar[str] = (
        "The key of an instance is good for hours after the instance, the token of a pod wherever only its "
        "signature is checked. It is used from the cloud (S1, S2) or from another workload (S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.005", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        "aws.session/instance",
        "aws.session/container",
        "aws.session/function",
        "k8s.bound-token",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Between the end of the workload and the end of its credential."""
        ended = holding.workload_end
        return moment(fleet, ended + _GRACE, holding.end - MINUTE) if ended else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.goes_on = True  # in another workload
        play.uses(play.while_valid(), play.context())
