from __future__ import annotations

import pytest

from detector.simulate.scenarios.o03_denied_sweep import DeniedSweep
from tests.simulate.scenarios.scope_fleets import stolen, suits


@pytest.mark.parametrize(
    ("kind", "error"), [("aws.session/instance", "AccessDenied"), ("k8s.bound-token", "Forbidden")]
)
def test_many_operations_are_tried_and_a_good_part_of_them_is_refused(kind: str, error: str) -> None:
    shares = []
    for seed in range(1, 7):
        played = stolen(DeniedSweep(), kind, "S0", count=40, seed=seed)
        refused = [call for call in played.calls if call.error]
        assert {call.error for call in refused} == {error}
        assert len({call.action for call in played.calls}) >= 20
        shares.append(len(refused) / len(played.calls))

    assert 0.2 < min(shares) < max(shares) < 0.95
    assert max(shares) - min(shares) > 0.1, "how much is refused differs from theft to theft"


def test_it_needs_enough_to_try() -> None:
    assert not suits(DeniedSweep(), "api-key")
