from __future__ import annotations

from detector.domain import ActorClass
from detector.simulate.populations.agents import Agents
from tests.simulate.use_tenants import SECOND, lived, told_as_held


def test_tokens_are_told_as_they_are_held() -> None:
    told_as_held(lived(Agents()), "agent.token")


def test_an_agent_says_that_it_is_one_and_works_with_short_tokens() -> None:
    rows = told_as_held(lived(Agents()), "agent.token")
    assert {row.actor_class for row in rows} == {ActorClass.AGENT}
    assert {row.expires_at - row.issued_at for row in rows} == {1_800 * SECOND, 3_600 * SECOND}
    assert len({row.credential for row in rows}) > 2 * len({row.principal for row in rows})
