"""Agents that use tools on behalf of people: an hour's token for each task, from a platform, a cluster or a laptop."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import Population
from detector.simulate.products import TOOLS
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, staff
from detector.simulate.world import HOUR

_TASK_DAYS: Final = 0.15
_WAYS: Final = (
    Way("agent.token", 0.6, TOOLS, {"cluster": 0.35, "vendor": 0.4, "functions": 0.25}, "agt-", life=HOUR,
        issuer="https://agents.example.com", actor_class="agent"),
    Way("agent.token", 0.4, TOOLS, {"laptop": 0.7, "cloud": 0.3}, "agt-", life=HOUR // 2, workload_days=_TASK_DAYS,
        issuer="https://agents.example.com", actor_class="agent"),
)  # fmt: skip


class Agents(Population):
    """`agent.token`."""

    name: ClassVar[str] = "agents"
    title: ClassVar[str] = "Agents with tools"
    share: ClassVar[float] = 0.02

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        staff(fleet, sites, principals, [f"{fleet.name}-agents"], _WAYS, _name)


def _name(realm: str, _way: Way, team: str, number: int) -> str:
    """An agent of a team, for the person it acts for: one of a kind for each."""
    return f"{realm}/{team}/assistant-{number}"
