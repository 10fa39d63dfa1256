"""Pods of Kubernetes clusters: service accounts whose tokens live as long as a pod and are renewed every 48 minutes.

What is written is what is heard of: the tokens that are used, with the request by which the kubelet got them, and the
end of the pods that used them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from detector.simulate import clusters
from detector.simulate.call import Action
from detector.simulate.catalogue import CLUSTER_STRANGE, cluster_work
from detector.simulate.clients import CLUSTER_LIBRARIES, CLUSTER_TOOLS, KUBECTL_LAPTOP, Sdk, cluster_client
from detector.simulate.clusters import RENEWED, TOKEN_LIFE, Cluster, Node
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.kubernetes import FORBIDDEN, pod_token, removal
from detector.simulate.populations.base import Population, Shift, borrow, duties, group, groups_of, principal, schedule
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

_LANGUAGES = ("go", "go", "go", "go", "boto3", "boto3", "java", "js")
_NAMES = ("cart", "search", "billing", "ledger", "media", "profile", "pricing", "stock", "mail", "geo", "quota", "feed")
_REPLICAS = 4.0
_SPREAD = 0.8  # of the logarithm of replicas, and of lives
_STATEFUL = 0.15
_HOST_NETWORK = 0.08  # of groups whose pods share the address of their node
_READS_ONCE = 0.15  # of service accounts whose pods read their token when they start: why clusters accept old ones
_OVERLAP = 0.2  # of pods whose successor starts before they end
_TASK = 2 * MINUTE  # uses closer than this are of one pod
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # of generated names
_YEAR = 365 * DAY


@dataclass(frozen=True, slots=True)
class _Deployment:
    """The pods of one service account, and what is true of all of them."""

    owner: Principal
    namespace: str
    account: str
    uid: str
    revision: str  # of its ReplicaSet; empty for a StatefulSet, whose pods are numbered
    host_network: bool
    reads_once: bool


@dataclass(slots=True, eq=False)
class _Pod:
    """One pod in [start, end), taken off the books at `removed`. `churn` says why its address is news."""

    number: int
    start: int
    end: int
    removed: int
    node: Node
    churn: str


class Pods(Population):
    """`k8s.bound-token`: an hour, or a year where the cluster accepts stale tokens; it dies with its pod."""

    name: ClassVar[str] = "pods"
    title: ClassVar[str] = "Pods"
    share: ClassVar[float] = 0.20

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        drawn = [clusters.draw(fleet, sites, name) for name in sites.clusters]
        for cluster in drawn:
            clusters.run(fleet, cluster)
        for number, size in enumerate(groups_of(fleet, principals)):
            cluster = drawn[fleet.between(0, len(drawn))]
            for deployment in _deployments(fleet, cluster, number, size):
                _Life(fleet, sites, cluster, deployment).run()


def _deployments(fleet: Fleet, cluster: Cluster, number: int, size: int) -> Iterator[_Deployment]:
    """The service accounts of one namespace, which is a peer group."""
    rng = fleet.rng
    product = _NAMES[fleet.between(0, len(_NAMES))]
    namespace = f"{product}-{number}"

    def agent(sdk: Sdk) -> str:
        return cluster_client(product, sdk)

    made = group(
        fleet,
        cluster.name,
        f"/{namespace}/",
        "k8s.bound-token",
        duties(fleet, cluster_work(namespace), CLUSTER_STRANGE),
        families=_LANGUAGES,
        agent=agent,
    )
    made.repertoire.denied_error = FORBIDDEN
    made.unusual, made.tools, made.sdks = CLUSTER_STRANGE, CLUSTER_TOOLS, CLUSTER_LIBRARIES
    host_network = bool(rng.random() < _HOST_NETWORK)
    for member in range(size):
        account = f"{product}-{member}"
        owner = principal(fleet, made, f"system:serviceaccount:{namespace}:{account}")
        revision = "" if rng.random() < _STATEFUL else _letters(fleet, 9)
        reads_once = bool(rng.random() < _READS_ONCE)
        yield _Deployment(owner, namespace, account, fleet.event_id(), revision, host_network, reads_once)


@dataclass(frozen=True, slots=True)
class _Life:
    """The pods of a deployment through the simulated time."""

    fleet: Fleet
    sites: Sites
    cluster: Cluster
    deployment: _Deployment

    def run(self) -> None:
        """Let every pod that is heard of do its part."""
        fleet, owner = self.fleet, self.deployment.owner
        work = list(schedule(fleet, owner, fleet.start, fleet.end))
        replicas = self._jobs(work[0][0] + work[1][0]) if owner.rhythm.period else self._replicas()
        heard: dict[_Pod, list[Holding]] = {}
        for seconds, churn in work:
            for pod, mine in self._shared(seconds, replicas):
                shifts = self._shifts(pod, mine, heard)
                news = _known(mine, pod)
                fleet.take_turns([(one, at) for one, at in shifts if at[0] < news], churn=churn or pod.churn)
                fleet.take_turns([(one, at) for one, at in shifts if at[0] >= news], churn=churn)
        borrowed = fleet.arrivals(max(fleet.start, owner.since), fleet.end, fleet.parameters.local_debugging)
        for pod, mine in self._shared(borrowed, replicas):
            (holding, _), *_ = self._shifts(pod, mine[:1], heard)
            borrow(fleet, holding, mine[0], self.sites.offices[0], KUBECTL_LAPTOP)
        for pod, holdings in heard.items():
            self._end(pod, holdings[0])

    # --- which pods there are ----------------------------------------------------------------------------------------

    def _replicas(self) -> list[list[_Pod]]:
        """Pods that replace each other, replica by replica."""
        rng = self.fleet.rng
        count = int(min(40, max(1, _REPLICAS * rng.lognormal(0.0, _SPREAD))))
        rollouts = [second for second, _, _ in self.deployment.owner.group.releases.versions if second]
        return [self._replica(number, rollouts) for number in range(count)]

    def _replica(self, number: int, rollouts: Sequence[int]) -> list[_Pod]:
        fleet, rng, cluster = self.fleet, self.fleet.rng, self.cluster
        life = fleet.parameters.pod_life * DAY
        some = 16 + int(3 * fleet.parameters.days / fleet.parameters.pod_life)
        lives, chances = (life * rng.lognormal(0.0, _SPREAD, some)).tolist(), rng.random((some, 3)).tolist()
        rolled = sorted(second + fleet.between(0, 10 * MINUTE) for second in rollouts)
        start, churn = fleet.start - int(lives[-1] * chances[-1][0]), ""
        pods: list[_Pod] = []
        for length, (place, overlap, delay) in zip(lives, chances, strict=True):
            if start >= fleet.end:
                break
            node = cluster.host(place, max(start, fleet.start))
            start = max(start, node.start + MINUTE)
            next_rollout = bisect_right(rolled, start + MINUTE)
            planned = [start + max(MINUTE, int(length)), *rolled[next_rollout : next_rollout + 1]]
            end = max(start + MINUTE, min(*planned, node.end))
            killed = end >= node.end
            removed = end + (MINUTE + int(14 * MINUTE * delay) if killed else 1 + int(19 * delay))
            pods.append(_Pod(number, start, end, removed, node, churn))
            churn = "spot_kill" if killed and node.storm else "autoscale" if killed else ""
            early = overlap < _OVERLAP and not killed
            start = end - int(300 * delay) if early else end + 2 + int(60 * delay)
            if not self.deployment.revision:  # the next pod of a StatefulSet has the same name: one at a time
                start = removed + 2 + int(30 * overlap)
        return pods

    def _jobs(self, seconds: Sequence[int]) -> list[list[_Pod]]:
        """A pod for each run of a CronJob."""
        found: list[_Pod] = []
        for before, second in pairwise([-_YEAR, *sorted(seconds)]):
            if second - before > 2 * _TASK:
                start = second - self.fleet.between(4, 25)
                node = self.cluster.host(self.fleet.rng.random(), start)
                end = second + self.fleet.between(8, 25) * MINUTE
                found.append(_Pod(len(found), start, end, end + self.fleet.between(1, 20), node, ""))
        return [found]

    def _shared(self, seconds: Sequence[int], replicas: list[list[_Pod]]) -> Iterator[tuple[_Pod, list[int]]]:
        """Which pod does what is done at `seconds`: each task is one pod's, and its uses come in a row."""
        chances = self.fleet.rng.random(len(seconds)).tolist()
        pods: dict[_Pod, list[int]] = {}
        replica, before = replicas[0], -_YEAR
        for second, chance in zip(seconds, chances, strict=True):
            if second - before > _TASK:
                replica = replicas[int(chance * len(replicas))]
            before = second
            pod = replica[max(0, bisect_right(replica, second, key=lambda one: one.start) - 1)] if replica else None
            if pod is not None and pod.start < second < pod.end:  # between two pods nobody works
                pods.setdefault(pod, []).append(second)
        yield from pods.items()

    # --- what they hold ----------------------------------------------------------------------------------------------

    def _shifts(self, pod: _Pod, seconds: Sequence[int], heard: dict[_Pod, list[Holding]]) -> list[Shift]:
        """The tokens of a pod that are used at `seconds`."""
        holdings = heard.setdefault(pod, [])
        found: list[Shift] = []
        for second in seconds:
            turn = 0 if self._keeps_token else (second - pod.start) // RENEWED
            start = pod.start + turn * RENEWED
            known = next((one for one in reversed(holdings) if one.start == start), None)
            if known is None:
                known = self._issue(pod, start, holdings[0] if holdings else None)
                holdings.append(known)
            if found and found[-1][0] is known:
                found[-1][1].append(second)
            else:
                found.append((known, [second]))
        return found

    @property
    def _keeps_token(self) -> bool:
        return self.deployment.reads_once and self.cluster.extended

    def _issue(self, pod: _Pod, start: int, before: Holding | None) -> Holding:
        """The token that a pod has from `start` on, and the kubelet's request for it."""
        fleet, cluster, deployment = self.fleet, self.cluster, self.deployment
        name, uid = (before.workload, before.session) if before else (self._name(pod), fleet.event_id())
        token = f"JTI={fleet.event_id()}"
        subject = pod_token(
            cluster.name, deployment.namespace, deployment.account, deployment.uid, token, pod=(name, uid),
            node=pod.node.name, stale_after=start + TOKEN_LIFE if cluster.extended else 0,
        )  # fmt: skip
        account = f"{deployment.namespace}/{deployment.account}"
        pod.node.issue(fleet, start - fleet.between(1, 4), account, (name, uid), token, bodies=cluster.bodies)
        holding = Holding(
            deployment.owner, subject, token, "k8s.bound-token", start,
            start + (_YEAR if cluster.extended else TOKEN_LIFE),
            before.habitat if before else Habitat(self._egress(pod), deployment.owner.group.releases, pod.start),
            until=pod.end if self._keeps_token else min(pod.end, start + RENEWED),
            workload=name, workload_end=pod.end, session=uid,
        )  # fmt: skip
        return fleet.hold(holding)

    def _name(self, pod: _Pod) -> str:
        deployment = self.deployment
        if deployment.owner.rhythm.period:  # a CronJob names its jobs by the minute they are due
            return f"{deployment.account}-{pod.start // MINUTE}-{_letters(self.fleet, 5)}"
        if not deployment.revision:
            return f"{deployment.account}-{pod.number}"
        return f"{deployment.account}-{deployment.revision}-{_letters(self.fleet, 5)}"

    def _egress(self, pod: _Pod) -> Egress:
        """What the API server sees of a pod: its node's address, or its own."""
        if self.deployment.host_network or self.cluster.sees != "pod":
            return pod.node.egress
        return Egress.of(self.cluster.region, [self.cluster.network.take(self.fleet, pod.start, pod.end)])

    def _end(self, pod: _Pod, holding: Holding) -> None:
        """A pod is removed: by its kubelet once it has stopped, or, when the node is gone, by the garbage collector."""
        fleet, cluster = self.fleet, self.cluster
        where = f"{self.deployment.namespace}/{holding.workload}"
        action = Action("core", "delete pods", read_only=False, resource=where)
        if pod.end >= pod.node.end:
            cluster.control_call(fleet, pod.removed, "pod-garbage-collector", action)
            return
        controller = "replicaset-controller" if self.deployment.revision else "statefulset-controller"
        if self.deployment.owner.rhythm.period:
            controller = "job-controller"
        elif fleet.rng.random() < 0.5:  # otherwise a drain, of which the node's own row is enough
            cluster.control_call(fleet, pod.end - fleet.between(1, 30), controller, action)
        request = removal(holding.session) if cluster.bodies else ""
        kubelet = pod.node.holding.caller
        fleet.call(pod.removed, kubelet, action, pod.node.context(pod.removed), request=request)


def _known(seconds: Sequence[int], pod: _Pod) -> int:
    """Until when the place of a pod is news."""
    return pod.start + 6 * HOUR if pod.churn else seconds[0]


def _letters(fleet: Fleet, length: int) -> str:
    return "".join(_LETTERS[at] for at in fleet.pick(len(_LETTERS), length))
