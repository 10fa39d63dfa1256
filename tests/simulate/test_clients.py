from __future__ import annotations

import pytest

from detector.simulate.clients import ATTACKER_CLI, Sdk


@pytest.mark.parametrize("family", ["boto3", "java", "go", "js"])
def test_every_update_changes_the_user_agent_and_nothing_else_does(family: str) -> None:
    first = Sdk.first(family)
    agents = [first.agent(), first.minor_update().agent(), first.major_update().agent()]
    assert len(set(agents)) == 3
    assert first.agent() == Sdk.first(family).agent()
    assert not [agent for agent in agents if "{" in agent or "  " in agent]


def test_the_execution_environment_is_part_of_the_user_agent() -> None:
    assert " exec-env/AWS_Lambda_python3.12 " in Sdk.first("boto3").agent("exec-env/AWS_Lambda_python3.12")


def test_the_thiefs_tool_is_none_of_the_fleets() -> None:
    families = {Sdk.first(family).agent().partition("/")[0] for family in ("boto3", "java", "go", "js")}
    assert ATTACKER_CLI.partition("/")[0] not in families
