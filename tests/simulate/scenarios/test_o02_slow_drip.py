from __future__ import annotations

import pytest

from detector.simulate.misuse import GRANTING, SECRETS
from detector.simulate.scenarios.o02_slow_drip import SlowDrip
from detector.simulate.world import DAY
from tests.simulate.scenarios.scope_fleets import AGENT, stolen, suits


@pytest.mark.parametrize("kind", ["aws.session/instance", "aws.access-key", "k8s.bound-token", "entra.client-secret"])
def test_a_few_sensitive_operations_come_days_apart(kind: str) -> None:
    played = stolen(SlowDrip(), kind, "S3", count=100)

    sensitive = {*SECRETS.operations(played.victim), *GRANTING.operations(played.victim)}
    assert 4 <= len(played.calls) <= 8
    assert {call.action for call in played.calls} <= sensitive
    assert 3 * DAY < played.calls[-1].second - played.calls[0].second <= 14 * DAY
    assert {call.context.client for call in played.calls} == {AGENT}


def test_the_thief_uses_whatever_session_the_workload_holds_at_the_time() -> None:
    played = stolen(SlowDrip(), "aws.session/instance", "S2")

    lives = {id(one.caller): (one.start, one.end) for one in played.fleet.holdings}
    assert len({id(call.caller) for call in played.calls}) > 1
    assert all(lives[id(call.caller)][0] <= call.second < lives[id(call.caller)][1] for call in played.calls)


def test_it_needs_something_sensitive() -> None:
    assert not suits(SlowDrip(), "api-key")
