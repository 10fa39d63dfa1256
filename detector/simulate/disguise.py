"""Where a thief comes from and what he says he is.

Every address is from a block that benign callers use as well, every client one that somebody benign was seen with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeVar

from detector.simulate.clients import TOOLS, Sdk
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.truth import Stealth

Place = Literal[
    "hosting", "cloud", "account", "residential", "runner", "other-cloud", "endpoint", "neighbour", "own"
]  # fmt: skip
Choice = TypeVar("Choice")
_SITES: Final = 40  # private networks, as a group with endpoints draws its own: they overlap in real clouds too
_NEIGHBOURS: Final = 60  # workloads tried
_ENVIRONMENT: Final = "exec-env/"  # only a cloud's own runtime says that
_LIBRARIES: Final = tuple(Sdk.first(family).agent() for family in ("boto3", "go", "js"))


def victims_client(victim: Holding, second: int) -> str:
    """What the victim's workload sends."""
    habitat = victim.habitat
    return habitat.releases.at(habitat.release or second)[0] + habitat.marker


def client(fleet: Fleet, victim: Holding, stealth: Stealth, second: int) -> str:
    """A tool (S0), an SDK (S1), or what the victim runs; a version that somebody benign runs by then."""
    if stealth not in ("S0", "S1"):
        return victims_client(victim, second)
    group = victim.principal.group
    usual = (group.tools or TOOLS) if stealth == "S0" else (group.sdks or _LIBRARIES)
    versions: dict[str, list[str]] = {agent.partition("/")[0]: [] for agent in usual}
    for agent in fleet.surroundings.clients_of(victim.kind, second):
        if agent.partition("/")[0] in versions and _ENVIRONMENT not in agent:
            versions[agent.partition("/")[0]].append(agent)
    seen = [agents for agents in versions.values() if agents]
    return _one(fleet, _one(fleet, seen) if seen else usual)


def address(fleet: Fleet, victim: Holding, place: Place, second: int) -> tuple[str, str]:
    """An address at `place` and the VPC endpoint it comes through ("" = none)."""
    plan, egress = fleet.plan, victim.habitat.egress
    if place == "own":
        return _one(fleet, egress.at(second).addresses), egress.endpoint
    if place == "neighbour":
        return _neighbour(fleet, victim, second)
    if place == "endpoint":
        return plan.private(fleet.between(0, _SITES)), f"vpce-{fleet.hex(17)}"
    drawn: dict[Place, Callable[[], str]] = {
        "cloud": lambda: plan.instance(egress.region),
        "account": lambda: plan.gateway(egress.region),
        "hosting": plan.hosting,
        "residential": plan.residential,
        "runner": plan.runner,
        "other-cloud": plan.other_cloud,
    }
    return drawn[place](), ""


def _neighbour(fleet: Fleet, victim: Holding, second: int) -> tuple[str, str]:
    """The way out of another workload that is in the same log: of the same realm, else of the tenant."""
    mine, best = victim.habitat.egress, None
    for at in fleet.pick(len(fleet.holdings), _NEIGHBOURS):
        one = fleet.holdings[at]
        if one.habitat.egress is mine or one.caller.log != victim.caller.log or not one.start <= second < one.last:
            continue
        best = one
        if one.principal.realm == victim.principal.realm:
            break
    if best is None:
        return address(fleet, victim, "account", second)
    egress = best.habitat.egress
    return _one(fleet, egress.at(second).addresses), egress.endpoint


def _one(fleet: Fleet, choices: Sequence[Choice]) -> Choice:
    return choices[fleet.between(0, len(choices))]
