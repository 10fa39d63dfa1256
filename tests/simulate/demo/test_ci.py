from __future__ import annotations

import json
from collections import Counter

import pytest

from detector.simulate.demo import ci
from detector.simulate.demo.world import DemoWorld
from detector.simulate.world import HOUR
from tests.simulate.worlds import aws, empty_world


@pytest.fixture(scope="module")
def jobs() -> DemoWorld:
    world = empty_world(2)
    ci.run(world, "infra", 200)
    return world


def test_every_job_trades_its_token_for_a_key_and_uses_that_key_from_the_same_runner(jobs: DemoWorld) -> None:
    exchanges = {
        json.loads(call.response)["credentials"]["accessKeyId"]: call
        for call in jobs.calls
        if call.action.name == "AssumeRoleWithWebIdentity"
    }
    uses = [call for call in jobs.calls if call.action.name != "AssumeRoleWithWebIdentity"]
    assert len(exchanges) == jobs.story["CI jobs"] > 10
    for call in uses:
        exchange = exchanges[aws(call).key]
        assert exchange.context.address == call.context.address
        assert exchange.second < call.second < exchange.second + HOUR


def test_runners_are_ever_new(jobs: DemoWorld) -> None:
    addresses = {call.context.address for call in jobs.calls}
    assert len(addresses) == jobs.story["CI jobs"]


def test_a_matrix_starts_several_jobs_at_the_same_moment(jobs: DemoWorld) -> None:
    starts = Counter(call.second // 10 for call in jobs.calls if call.action.name == "AssumeRoleWithWebIdentity")
    assert max(starts.values()) >= 2


def test_terraform_is_sometimes_denied() -> None:
    world = empty_world(2)
    ci.run(world, "platform", 900)
    denied = [call.error for call in world.calls].count("AccessDenied")
    assert 0 < denied < 0.1 * len(world.calls)
