from __future__ import annotations

import statistics

import pytest

from detector.simulate.scenarios.o09_human_operator import HumanOperator
from tests.simulate.scenarios.scope_fleets import AGENT, stolen, suits


def test_commands_come_at_the_pace_of_somebody_who_types_and_thinks() -> None:
    played = stolen(HumanOperator(), "aws.access-key", "S0", count=80)

    assert len(played.calls) == 80
    assert 3 < statistics.median(played.gaps) < 30
    assert max(played.gaps) > 60, "now and then somebody thinks"
    again = [before.action == after.action for before, after in zip(played.calls, played.calls[1:], strict=False)]
    assert 0.1 < statistics.mean(again) < 0.5, "and tries the same again"


@pytest.mark.parametrize(("stealth", "hidden"), [("S0", False), ("S2", True)])
def test_the_tool_is_interactive_unless_the_thief_hides(stealth: str, *, hidden: bool) -> None:
    played = stolen(HumanOperator(), "aws.session/instance", stealth)  # type: ignore[arg-type]

    assert all((call.context.client == AGENT) is hidden for call in played.calls)
    assert len({call.context.client for call in played.calls}) == 1


def test_a_log_without_anything_to_look_at_is_left_alone() -> None:
    assert not suits(HumanOperator(), "api-key")
