from __future__ import annotations

import pytest

from detector.simulate.scenarios.r08_job_ended import JobEnded
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY, HOUR, MINUTE
from tests.simulate.scenarios.fleets import Scene, network


@pytest.mark.parametrize("stealth", ["S1", "S2", "S3"])
def test_the_session_is_used_from_a_hosted_runner_after_its_job(stealth: Stealth) -> None:
    scene = Scene()
    begin = scene.day(10)
    victim = scene.holding(
        "aws.session/web-identity", start=begin, end=begin + HOUR, workload_end=begin + 5 * MINUTE
    )  # fmt: skip
    scene.steal(JobEnded(), stealth, victim)
    assert all(victim.workload_end < call.second < victim.end for call in scene.malicious())
    assert {network(call) for call in scene.malicious()} == {"242"}


def test_a_pod_is_no_job() -> None:
    scene = Scene()
    begin = scene.day(10)
    pod = scene.holding("aws.session/web-identity", start=begin, end=begin + 2 * DAY, workload_end=begin + DAY)
    assert JobEnded().begin(scene.fleet, pod) is None
