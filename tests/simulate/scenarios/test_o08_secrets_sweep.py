from __future__ import annotations

import pytest

from detector.simulate.misuse import SECRETS
from detector.simulate.scenarios.o08_secrets_sweep import SecretsSweep
from detector.simulate.world import HOUR
from tests.simulate.scenarios.scope_fleets import stolen, suits


@pytest.mark.parametrize("kind", ["aws.session/instance", "k8s.bound-token", "entra.client-secret"])
def test_every_secret_in_reach_is_read(kind: str) -> None:
    played = stolen(SecretsSweep(), kind, "S1", count=20)

    assert {call.action for call in played.calls} >= set(SECRETS.operations(played.victim))


def test_who_hides_reads_them_among_the_victims_work_over_half_a_day() -> None:
    played = stolen(SecretsSweep(), "aws.access-key", "S3", style="mimic")

    secrets = set(SECRETS.operations(played.victim))
    assert len([call for call in played.calls if call.action in secrets]) < len(played.calls) / 2
    assert played.calls[-1].second - played.calls[0].second > 6 * HOUR


def test_a_log_without_secrets_is_left_alone() -> None:
    assert not suits(SecretsSweep(), "api-key")
