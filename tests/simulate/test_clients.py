from __future__ import annotations

import pytest

from detector.simulate.clients import ATTACKER_CLI, ENGINEER_CLI, TERRAFORM, TOOLS, Sdk, updated


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


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_before_its_first_update_is_what_the_pools_hold(tool: str) -> None:
    assert updated(tool, 0) == tool


def test_an_updated_tool_differs_in_its_own_version_only() -> None:
    assert updated(ENGINEER_CLI, 3) == ENGINEER_CLI.replace("aws-cli/2.22.", "aws-cli/2.25.")
    assert updated(TERRAFORM, 1) == TERRAFORM.replace("Terraform/1.9.", "Terraform/1.10.")
    assert updated("Go-http-client/2.0", 1) == "Go-http-client/2.0"
