"""What works on clusters: pipelines, GitOps, operators, scanners, controllers and administrators.

They hold tokens that lie in Secrets until somebody deletes them, or client certificates, and they do by right what
thieves do first: list every secret, grant rights, run commands in other people's pods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detector.simulate import clusters, desks
from detector.simulate.call import Action
from detector.simulate.catalogue import (
    CLUSTER_ENUMERATION,
    CLUSTER_PRIVILEGED,
    CLUSTER_SECRETS,
    CLUSTER_STRANGE,
    CLUSTER_UPKEEP,
    cluster_work,
)
from detector.simulate.clients import (
    CLUSTER_LIBRARIES,
    CLUSTER_TOOLS,
    HELM,
    KUBECTL,
    KUBECTL_LAPTOP,
    updated,
)
from detector.simulate.clusters import Cluster
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.kubernetes import FORBIDDEN, Subject, certificate, secret_token
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.populations.base import Population, migrated, schedule
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR

_LEGACY = "k8s.legacy-token"
_CERTIFICATE = "k8s.client-cert"
_TURNS = ("platform", "pipeline", "administrator", "gitops", "controller", "operator", "pipeline", "scanner",
          "administrator", "break_glass", "operator", "pipeline")  # fmt: skip
_DENIED = (0.0, 0.0, 0.02)
_SELF_HOSTED_POOL = 12
_WEEK = 7 * DAY
_SCRIPTED = (
    KUBECTL,
    HELM,
    KUBECTL,
    HELM,
    *(one for one in CLUSTER_TOOLS if one not in {KUBECTL, HELM, KUBECTL_LAPTOP}),
)
_LOOKED_AT = (*CLUSTER_ENUMERATION, CLUSTER_SECRETS[1])
_EVERYTHING = (*CLUSTER_STRANGE, *(one for one in cluster_work("platform") if one not in CLUSTER_STRANGE))
_CONTROL_LOOP = (
    *(one for one in cluster_work("kube-system") if one.service in {"coordination.k8s.io", "discovery.k8s.io", "apps"}),
    *(one for one in CLUSTER_PRIVILEGED if one.service in {"certificates.k8s.io", "authentication.k8s.io"}),
    *(one for one in CLUSTER_ENUMERATION if one.service in {"core", "apps", "batch"}),
)


@dataclass(frozen=True, slots=True)
class _Site:
    """What every agent is made of: the fleet, its places, the cluster it works on, and a number of its own."""

    fleet: Fleet
    sites: Sites
    cluster: Cluster
    number: int


class ClusterAgents(Population):
    """`k8s.legacy-token` and `k8s.client-cert`: bound to no place, good until somebody withdraws them."""

    name: ClassVar[str] = "cluster_agents"
    title: ClassVar[str] = "Pipelines, operators and administrators of clusters"
    share: ClassVar[float] = 0.03

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        drawn = [clusters.draw(fleet, sites, name) for name in sites.clusters]
        for number in range(principals):
            cluster = drawn[number // len(_TURNS) % len(drawn)]
            _MAKERS[_TURNS[number % len(_TURNS)]](_Site(fleet, sites, cluster, number))


# --- those with tokens -----------------------------------------------------------------------------------------------


def _platform(site: _Site) -> None:
    """The pipeline that sets up the cluster itself: once a week everything, each step with its own tool."""
    fleet, tools = site.fleet, (*CLUSTER_TOOLS, *CLUSTER_LIBRARIES)
    made = _group(site, _LEGACY, "platform", CLUSTER_UPKEEP, _SCRIPTED)
    holding = _legacy(site, made, f"bootstrap-{site.number}", _runners(site))
    for week in range(fleet.start + fleet.between(0, _WEEK - 2 * HOUR), fleet.end, _WEEK):
        begun = week + fleet.between(0, HOUR)
        holding.habitat.egress.change(begun, [fleet.plan.runner()], "ci_runner", news=2 * HOUR)
        seconds = _after_each_other(fleet, begun, 15.0, len(CLUSTER_UPKEEP))
        contexts = holding.habitat.contexts(fleet, seconds)
        order, chosen = fleet.rng.permutation(len(CLUSTER_UPKEEP)).tolist(), fleet.pick(len(tools), len(seconds))
        for second, step, tool, (context, churn) in zip(seconds, order, chosen, contexts, strict=True):
            there = context._replace(client=tools[tool])
            fleet.call(second, holding.caller, CLUSTER_UPKEEP[step], there, churn=churn)


def _pipeline(site: _Site) -> None:
    """A CI job that deploys by Helm or kubectl, some times a day or a week, from a runner that is new each time."""
    fleet, namespace = site.fleet, f"release-{site.number}"
    helm = tuple(Action("core", f"{verb} secrets", verb != "create", resource=f"{namespace}/app") for verb in
                 ("get", "list", "create"))  # fmt: skip
    deploy = (*helm, *cluster_work(namespace), *CLUSTER_PRIVILEGED)
    made = _group(site, _LEGACY, namespace, deploy, _SCRIPTED)
    egress = _runners(site) if fleet.rng.random() < fleet.parameters.hosted_ci else _self_hosted(site)
    holding = _legacy(site, made, "deployer", egress)
    begun = fleet.arrivals(fleet.start, fleet.end, float(fleet.rng.choice((0.15, 0.5, 2.0, 6.0))), 0.5)
    for second in begun:
        if egress.connection == 1:
            egress.change(second, [fleet.plan.runner()], "ci_runner", news=HOUR)
        fleet.work(holding, _after_each_other(fleet, second, 8.0, 4 + fleet.between(0, 20)))


def _gitops(site: _Site) -> None:
    """Compares what is with what should be, all day, from a cluster elsewhere, and makes it so."""
    pool = (*CLUSTER_ENUMERATION, *CLUSTER_PRIVILEGED, *CLUSTER_SECRETS[:2])
    made = _group(site, _LEGACY, "gitops", pool, ("argocd-application-controller/v2.13.1 kubernetes/$Format",))
    region = site.fleet.regions[0]
    place = site.sites.accounts[site.fleet.between(0, len(site.sites.accounts))]
    egress = migrated(site.fleet, site.sites, site.sites.nat(place, region), place)
    _steady(site, _legacy(site, made, f"gitops-manager-{site.number}", egress))


def _operator(site: _Site) -> None:
    """Runs in the cluster, watches everything of some kinds, and copies secrets: its pod moves from node to node."""
    fleet, cluster = site.fleet, site.cluster
    product = ("secret-replicator", "cert-operator", "database-operator", "backup-operator")[fleet.between(0, 4)]
    pool = (*CLUSTER_SECRETS, *cluster_work(f"{product}-{site.number}"), *CLUSTER_ENUMERATION[:8], *CLUSTER_PRIVILEGED)
    made = _group(site, _LEGACY, product, pool, (f"{product}/v1.14.2 (linux/amd64) kubernetes/$Format",))
    _steady(site, _legacy(site, made, f"{product}-{site.number}", _inside(fleet, cluster)))


def _inside(fleet: Fleet, cluster: Cluster) -> Egress:
    """What the API server sees of a lone pod that is moved from node to node."""
    if cluster.sees == "gateway":
        return cluster.gateways
    egress, start = Egress(cluster.region), fleet.start - DAY
    while start < fleet.end:
        node = cluster.host(fleet.rng.random(), max(start, fleet.start))
        end = min(node.end, start + int(4 * fleet.parameters.pod_life * DAY * fleet.rng.lognormal(0.0, 0.8)))
        end = max(end, start + HOUR)
        own = cluster.sees == "pod"
        address = cluster.network.take(fleet, start, end) if own else node.context(start).address
        egress.change(start, [address], "autoscale" if egress.spans else "", news=6 * HOUR)
        start = end
    return egress


def _scanner(site: _Site) -> None:
    """A posture product from outside: looks at everything once a day, at Secrets too where it may."""
    fleet = site.fleet
    made = _group(site, _LEGACY, "posture", _LOOKED_AT, ("Go-http-client/2.0", CLUSTER_LIBRARIES[0]))
    provider = fleet.between(0, 20)
    egress = Egress.of(site.cluster.region, [fleet.plan.hosting(provider) for _ in range(4)], connection=30)
    if fleet.rng.random() < 0.5:
        egress = Egress.of(site.cluster.region, [fleet.plan.other_cloud() for _ in range(6)], connection=30)
    holding = _legacy(site, made, f"posture-{site.number}", egress)
    hour, sees_secrets = fleet.between(0, DAY), bool(fleet.rng.random() < 0.5)
    for midnight in range(fleet.start - DAY, fleet.end, DAY):
        begun = midnight + hour + fleet.between(0, HOUR / 4)
        seconds = _after_each_other(fleet, begun, 2.0, len(_LOOKED_AT))
        contexts = holding.habitat.contexts(fleet, seconds)
        for second, action, (context, churn) in zip(seconds, _LOOKED_AT, contexts, strict=True):
            refused = "" if sees_secrets or action.name != "list secrets" else FORBIDDEN
            fleet.call(second, holding.caller, action, context, error=refused, churn=churn)


# --- those with certificates -----------------------------------------------------------------------------------------


def _controller(site: _Site) -> None:
    """A part of the control plane, on its own machines; what is written of it is a trace of what it does."""
    cluster = site.cluster
    part = _of_round(site, "kube-scheduler", "kube-controller-manager", "cloud-controller-manager")
    made = _group(site, _CERTIFICATE, part, _CONTROL_LOOP, (clusters.program(part, cluster.version(site.fleet.start)),))
    (holding,) = _certified(site, made, f"system:{part}", "", Egress.of(cluster.region, [cluster.control]))
    _steady(site, holding)


def _administrator(site: _Site) -> None:
    """A person with a certificate of her own and kubectl, from wherever her laptop is."""
    fleet = site.fleet
    made = _group(site, _CERTIFICATE, "administrators", _EVERYTHING, (KUBECTL_LAPTOP,))
    someone = desks.person(fleet, site.sites, f"engineer-{site.number}")
    (holding,) = _certified(site, made, f"{someone.name}@example.com", "platform-admins", someone.egress)
    fleet.work(holding, someone.sittings(fleet, fleet.start, fleet.end, 6.0))


def _break_glass(site: _Site) -> None:
    """The certificate that the installer made: two engineers have a copy and take it when nothing else works."""
    fleet = site.fleet
    made = _group(site, _CERTIFICATE, "break-glass", _EVERYTHING, (KUBECTL_LAPTOP,))
    people = [desks.person(fleet, site.sites, f"on-call-{site.number}-{one}").egress for one in range(2)]
    holdings = _certified(
        site, made, _of_round(site, "kubernetes-admin", "cluster-admin"), "kubeadm:cluster-admins", *people
    )
    for second in moments(fleet, 0.25):
        seconds = fleet.arrivals(second, second + HOUR, 20 * 24)
        fleet.work(holdings[fleet.between(0, 2)], seconds, churn="shared_credential")


# --- what they have in common ----------------------------------------------------------------------------------------


def _group(site: _Site, kind: str, path: str, pool: Sequence[Action], agents: Sequence[str]) -> Group:
    """A group of agents: most of `pool`, and one of `agents`, which is updated now and then."""
    fleet = site.fleet
    agent = agents[fleet.between(0, len(agents))]
    versions = [(0, agent, "")]
    versions += [(second, updated(agent, at + 1), "release") for at, second in enumerate(moments(fleet, 0.05))]
    repertoire = Repertoire.draw(
        fleet.rng, pool, max(4, int(len(pool) * fleet.rng.uniform(0.4, 0.8))),
        denied_rate=_DENIED[fleet.between(0, len(_DENIED))],
    )  # fmt: skip
    repertoire.denied_error = FORBIDDEN
    made = Group(
        site.cluster.name, f"/{path}/", kind, repertoire, Releases(versions), owner="platform",
        unusual=CLUSTER_STRANGE, tools=CLUSTER_TOOLS, sdks=CLUSTER_LIBRARIES,
    )  # fmt: skip
    fleet.groups.append(made)
    return made


def _legacy(site: _Site, made: Group, account: str, egress: Egress) -> Holding:
    """A service account of the group's namespace, by a token that lies in a Secret."""
    namespace = made.path.strip("/")
    secret = f"{account}-token-{site.fleet.hex(5)}"
    subject = secret_token(site.cluster.name, namespace, account, site.fleet.event_id(), secret)
    (holding,) = _hold(site, made, subject, f"{namespace}/{secret}", egress)
    return holding


def _certified(site: _Site, made: Group, name: str, group: str, *egresses: Egress) -> list[Holding]:
    """A user by a client certificate that is held in one place, or copied to several."""
    digest = f"X509SHA256={site.fleet.hex(64)}"
    return _hold(site, made, certificate(site.cluster.name, name, group, digest), digest, *egresses)


def _hold(site: _Site, made: Group, subject: Subject, credential: str, *egresses: Egress) -> list[Holding]:
    """A credential that was there before and will be there after, in the hands of one or several."""
    fleet = site.fleet
    owner = Principal(subject.name, made, Rhythm(float(min(400.0, 30 * fleet.rng.lognormal(0.0, 0.8)))))
    since, end = fleet.start - fleet.between(5 * DAY, 300 * DAY), fleet.end + 300 * DAY
    return [
        fleet.hold(Holding(owner, subject, credential, made.kind, since, end, Habitat(egress, made.releases)))
        for egress in egresses
    ]


def _after_each_other(fleet: Fleet, begin: int, pause: float, count: int) -> list[int]:
    """Seconds of `count` steps from `begin` on, `pause` seconds apart on average."""
    return [begin + int(passed) for passed in np.cumsum(fleet.rng.exponential(pause, count))]


def _of_round(site: _Site, *names: str) -> str:
    """A name for each agent of one sort on a cluster."""
    number = site.number // len(_TURNS) // len(site.sites.clusters)
    return names[number] if number < len(names) else f"{names[-1]}-{number}"


def _steady(site: _Site, holding: Holding) -> None:
    """Work as the rhythm has it, all the time."""
    for seconds, churn in schedule(site.fleet, holding.principal, site.fleet.start, site.fleet.end):
        site.fleet.work(holding, seconds, churn=churn)


def _runners(site: _Site) -> Egress:
    """Hosted runners: whoever works there gives each job an address of its own."""
    return Egress.of(site.fleet.regions[0], [site.fleet.plan.runner()], connection=1)


def _self_hosted(site: _Site) -> Egress:
    """A pool of machines with public addresses, each job on one of them."""
    region = site.fleet.regions[0]
    return Egress.of(region, [site.fleet.plan.instance(region) for _ in range(_SELF_HOSTED_POOL)], connection=20)


_MAKERS: dict[str, Callable[[_Site], None]] = {
    "platform": _platform,
    "pipeline": _pipeline,
    "administrator": _administrator,
    "gitops": _gitops,
    "controller": _controller,
    "operator": _operator,
    "scanner": _scanner,
    "break_glass": _break_glass,
}
