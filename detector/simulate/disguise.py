"""Where a thief comes from and what he says he is.

Every address is from a block that benign callers use as well, every client one that somebody benign was seen with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from detector.simulate.clients import TOOLS, Sdk
from detector.simulate.fleet import Fleet, Habitat, Holding
from detector.simulate.truth import Stealth

Place = Literal[
    "hosting", "cloud", "account", "residential", "runner", "other-cloud", "endpoint", "neighbour", "own"
]  # fmt: skip
Choice = TypeVar("Choice")
_SITES: Final = 40  # private networks, as a group with endpoints draws its own: they overlap in real clouds too
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


class Foothold(NamedTuple):
    """A workload of the tenant that a thief works from; it is gone at `until` (seconds)."""

    habitat: Habitat
    until: int


def foothold(fleet: Fleet, victim: Holding, place: Place, begin: int, end: int) -> Foothold | None:
    """The workload the thief works from in [begin, end), as far as it lasts; None where he is none of the tenant's."""
    if place == "own":
        return Foothold(victim.habitat, fleet.end)
    return _neighbour(fleet, victim, begin, end) if place == "neighbour" else None


def address(fleet: Fleet, victim: Holding, place: Place) -> tuple[str, str]:
    """An address at `place` outside the tenant, and the VPC endpoint it comes through ("" = none)."""
    plan, region = fleet.plan, victim.habitat.egress.region
    if place == "endpoint":
        return plan.private(fleet.between(0, _SITES)), f"vpce-{fleet.hex(17)}"
    drawn: dict[Place, Callable[[], str]] = {
        "cloud": lambda: plan.instance(region),
        "hosting": plan.hosting,
        "residential": plan.residential,
        "runner": plan.runner,
        "other-cloud": plan.other_cloud,
    }
    return drawn.get(place, lambda: plan.gateway(region))(), ""


def _neighbour(fleet: Fleet, victim: Holding, begin: int, end: int) -> Foothold | None:
    """Another workload in the same log that is there: of the same realm, else of the tenant; at best until `end`."""
    mine, log = victim.habitat.egress, victim.caller.log
    there: dict[int, Holding] = {}  # one for each principal, so that who has many short keys is not met more often
    for one in fleet.holdings:
        if not one.start <= begin < one.end or one.caller.log != log or one.habitat.egress is mine:
            continue
        if one.principal.since <= begin < one.last:
            there[id(one.principal)] = one
    near = [one for one in there.values() if one.principal.realm == victim.principal.realm] or list(there.values())
    if not near:
        return None

    def until(one: Holding) -> int:
        return fleet.surroundings.lasting.get(id(one.habitat.egress), one.last)

    able = [one for one in near if until(one) >= end]
    chosen = _one(fleet, able) if able else max(near, key=until)
    return Foothold(chosen.habitat, until(chosen))


def _one(fleet: Fleet, choices: Sequence[Choice]) -> Choice:
    return choices[fleet.between(0, len(choices))]
