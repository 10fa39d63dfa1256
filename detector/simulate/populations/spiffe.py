"""SPIFFE: identities of workloads on the nodes of clusters and on servers, without a secret to begin with.

An X.509-SVID is replaced at half its life by the agent beside the workload, which has the old key; a JWT-SVID is
fetched for one audience and five minutes. The issuer sees the workload's own address; so does whoever is called inside
a cluster, and elsewhere the way out.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from detector.simulate import workplaces
from detector.simulate.call import Action, Context
from detector.simulate.clients import Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.lifecycle import holding, lifetimes, state, tokens
from detector.simulate.populations.base import Population, borrowed, live, principal
from detector.simulate.products import MESH
from detector.simulate.sites import Sites
from detector.simulate.teams import crews, team, team_name
from detector.simulate.world import DAY, HOUR, MINUTE

_X509: Final = "spiffe.x509-svid"
_JWT: Final = "spiffe.jwt-svid"
_MINT: Final = Action("svid", "mint", read_only=False)
_RENEW: Final = Action("svid", "renew", read_only=False)
_REMOVE: Final = Action("entry", "delete", read_only=False)
_LIVES: Final = (HOUR, 6 * HOUR, DAY)
_LIFE_SHARES: Final = (0.08, 0.32, 0.6)  # long ones more often than in the world: renewals are thinned as uses are
_JWT_LIFE: Final = 5 * MINUTE
_JWT_SHARE: Final = 0.3  # of principals
_NODES: Final = 16  # of each cluster
_AGENT: Final = Sdk.first("spire-agent").agent()
_SERVER_DAYS: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Workload:
    """A pod, or a process on a server, in [start, end), on a node. `agent` is how its issuer sees it."""

    uid: str
    node: str
    agent: Context
    start: int
    end: int


Where = Callable[[int, int], tuple[_Workload, Habitat]]  # a workload that starts and ends then, and where it runs


class Spiffe(Population):
    """`spiffe.x509-svid`, `spiffe.jwt-svid`."""

    name: ClassVar[str] = "spiffe"
    title: ClassVar[str] = "SPIFFE workloads"
    share: ClassVar[float] = 0.06

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        domain = f"{fleet.name}.example.org"
        nodes = {cluster: [f"{cluster}-node-{fleet.hex(5)}" for _ in range(_NODES)] for cluster in sites.clusters}
        documents = round(_JWT_SHARE * principals)
        made = [(_JWT, *crew) for crew in crews(fleet, documents)]
        made += [(_X509, *crew) for crew in crews(fleet, principals - documents)]
        for number, (kind, size, operators) in enumerate(made):
            called = team_name(fleet, number)
            of = team(fleet, domain, f"/ns/{called}/sa/", kind, MESH, operators=operators)
            of.owner = called
            where = self._where(fleet, sites, of, nodes)
            for member in range(size):
                owner = principal(fleet, of, f"spiffe://{domain}/ns/{called}/sa/{called}-{member}")
                _run(fleet, sites, owner, where)

    def _where(self, fleet: Fleet, sites: Sites, of: Group, nodes: dict[str, list[str]]) -> Where:
        """Where the workloads of a group run: on servers, or as pods that are called from inside or outside."""
        chance, at = fleet.rng.random(), fleet.between(0, len(sites.clusters))
        outside = workplaces.cluster(fleet, sites) if chance < 0.5 else None

        def pod(start: int, end: int) -> tuple[_Workload, Habitat]:
            cluster = sites.clusters[at]
            agent = Context(fleet.plan.private(16 + at), _AGENT, sites.regions_of[cluster])
            node = nodes[cluster][fleet.between(0, _NODES)]
            workload = _Workload(str(uuid.UUID(bytes=fleet.rng.bytes(16), version=4)), node, agent, start, end)
            egress = outside or Egress.first_seen(agent.region, agent.address, "autoscale")
            return workload, Habitat(egress, of.releases, start)

        def server(start: int, end: int) -> tuple[_Workload, Habitat]:
            region = fleet.regions[at % len(fleet.regions)]
            address = fleet.plan.instance(region)
            host = f"{of.owner}-{fleet.hex(6)}"
            workload = _Workload(host, host, Context(address, _AGENT, region), start, end)
            return workload, Habitat(Egress.first_seen(region, address, "autoscale"), of.releases, start)

        return server if chance < 0.2 else pod


def _run(fleet: Fleet, sites: Sites, owner: Principal, where: Where) -> None:
    """One identity, a workload at a time."""
    life = _LIVES[int(fleet.rng.choice(len(_LIVES), p=_LIFE_SHARES))]
    days = fleet.parameters.pod_life if fleet.rng.random() < 0.8 else _SERVER_DAYS
    for start, end in lifetimes(fleet, owner, days):
        workload, habitat = where(start, end)
        if owner.group.kind == _JWT:
            _documents(fleet, owner, workload, habitat)
        else:
            for held in _certificates(fleet, owner, workload, habitat, life):
                borrowed(fleet, held, sites.offices[0], Sdk.first("curl").agent())


def _identity(owner: Principal, workload: _Workload, credential: str, start: int, life: int) -> Identity:
    return Identity(
        owner.realm, owner.name, credential, owner.group.kind, session=workload.uid, issuer=f"spiffe://{owner.realm}",
        issued_at=start, expires_at=start + life,
    )  # fmt: skip


def _certificates(fleet: Fleet, owner: Principal, workload: _Workload, habitat: Habitat, life: int) -> list[Holding]:
    """X.509-SVIDs one after another: the first minted, each other one the renewal of the one before."""
    made: list[Holding] = []
    before = ""
    for start in range(workload.start, workload.end, life // 2):
        if start + life // 2 < fleet.start or start >= fleet.end:
            continue
        said = _identity(owner, workload, fleet.key("svid-"), start, life)
        stated = said.stating("renew" if made else "issue", parent=before, node=workload.node)
        state(fleet, owner, start, stated, _RENEW if made else _MINT, workload.agent)
        made.append(
            holding(owner, said, start, start + life, habitat, until=start + life // 2, workload_end=workload.end)
        )
        before = said.credential
    live(fleet, *made)
    if made:
        gone = _identity(owner, workload, before, made[-1].start, life).stating("end", node=workload.node)
        state(fleet, owner, workload.end, gone, _REMOVE, workload.agent)
    return made


def _documents(fleet: Fleet, owner: Principal, workload: _Workload, habitat: Habitat) -> None:
    """JWT-SVIDs, fetched from the agent when there is something to call."""

    def fetched(held: Holding, _context: Context) -> None:
        said = _identity(owner, workload, held.credential, held.start, _JWT_LIFE).stating("issue", node=workload.node)
        state(fleet, owner, held.start, said, _MINT, workload.agent)

    tokens(
        fleet, owner, habitat, (workload.start, workload.end), _JWT_LIFE,
        lambda at: _identity(owner, workload, fleet.key("jti-"), at, _JWT_LIFE),
        obtained=fetched, workload_end=workload.end,
    )  # fmt: skip
