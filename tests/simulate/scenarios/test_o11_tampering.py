from __future__ import annotations

import pytest

from detector.simulate.misuse import TAMPERING
from detector.simulate.scenarios.o11_tampering import Tampering
from tests.simulate.scenarios.scope_fleets import stolen, suits


@pytest.mark.parametrize("kind", ["aws.session/instance", "k8s.bound-token", "entra.client-secret"])
def test_after_a_look_logs_and_guards_are_switched_off(kind: str) -> None:
    played = stolen(Tampering(), kind, "S0")

    guards = set(TAMPERING.operations(played.victim))
    switched = [call for call in played.calls if call.action in guards]
    assert 1 <= len(switched) <= 5
    assert not any(call.action.read_only for call in switched)
    assert len(played.calls) > len(switched)


def test_a_log_without_guards_is_left_alone() -> None:
    assert not suits(Tampering(), "api-key")
