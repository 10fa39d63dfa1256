"""R08: the session of a CI job is used after the job."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR, MINUTE

_LONGEST_JOB: Final = 6 * HOUR  # what lives longer is a pod


class JobEnded(Scenario):
    """A step of a job sends its session away; it is used from a hosted runner when the job is over."""

    name: ClassVar[str] = "r08_job_ended"
    title: ClassVar[str] = "CI session used after its job"
    description: ClassVar[str] = (
        "What a job was given for its work is still good for most of an hour when the job is over. It is used "
        "from a hosted runner, as every job is, with an SDK (S1) or the job's own client (S2, S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1195.002", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = ("aws.session/web-identity", "github.", "gcp.federated", "entra.federated")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Between the end of the job and the end of its session."""
        ended = holding.workload_end
        if not ended or ended - holding.start > _LONGEST_JOB:
            return None
        return moment(fleet, ended + 2 * MINUTE, holding.end - MINUTE)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.goes_on = True  # the next jobs have nothing to do with it
        play.uses(play.while_valid(), play.context("runner"))
