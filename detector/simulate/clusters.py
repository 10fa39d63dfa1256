"""The clusters of a tenant: nodes that come and go, their kubelets, the controllers, and who has which address.

What an API server sees of a pod depends on the network of its cluster: the address of its node; one of its own, out of
the network its node is in, where an address that becomes free is soon somebody else's; or, if the API is reached from
outside, the gateways of the whole cluster.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Final, Literal

from detector.errors import UsageError
from detector.simulate.call import Action, Context
from detector.simulate.catalogue import CLUSTER_STRANGE
from detector.simulate.clients import CLUSTER_LIBRARIES, CLUSTER_TOOLS
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.kubernetes import TOKEN_REQUEST, Subject, certificate, issued, pod_token, token_request
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

TOKEN_LIFE: Final = 3607  # seconds: what kubelets ask for, one hour and a little
RENEWED: Final = 4 * TOKEN_LIFE // 5
_SPOT_LIFE = 18 * HOUR
_STORMS = 0.2  # a day: a third of the spot nodes is taken back at once
_KILLED = 0.3
_HEARD = 12.0  # uses of a kubelet a day; real ones are heard every few seconds, all day, and say nothing new
_PODS = 1.1  # of a cluster for each principal of the fleet, whatever that holds
_COOL = MINUTE  # until an address is given to the next
_FIRST_SITE = 60  # of `AddressPlan.private`, which no other place has
_TRIES = 1_000  # at an address
_UPGRADES = 0.04  # a day
_MINOR_VERSIONS = (32, 33, 34)
Sees = Literal["node", "pod", "gateway"]
_SEES: Final[tuple[Sees, ...]] = ("node", "node", "pod", "pod", "gateway")


@dataclass(slots=True)
class Network:
    """The addresses of a cluster, each one's at a time."""

    site: int
    taken: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def take(self, fleet: Fleet, start: int, end: int) -> str:
        """An address that nobody else has in [start, end). Raises UsageError when there is hardly one left."""
        for _ in range(_TRIES):
            address = fleet.plan.private(self.site)
            held = self.taken.setdefault(address, [])
            if all(until + _COOL <= start or end + _COOL <= since for since, until in held):
                held.append((start, end))
                return address
        raise UsageError(
            "expected room for all pods in the 16,000 addresses of a cluster, found none: choose more clusters"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A machine of a cluster in [start, end), with the certificate of its kubelet. `storm` = it was taken back."""

    name: str
    start: int
    end: int
    egress: Egress
    holding: Holding
    storm: bool

    def context(self, second: int) -> Context:
        """Where its kubelet's calls come from."""
        addresses = self.egress.at(second).addresses
        return Context(addresses[second % len(addresses)], self.holding.habitat.releases.at(second)[0])

    def issue(self, fleet: Fleet, second: int, account: str, pod: tuple[str, str], token: str, *, bodies: bool) -> None:
        """Its kubelet has a token issued for a pod. `account` is `NAMESPACE/NAME`, `pod` name and uid."""
        fleet.call(
            second,
            self.holding.caller,
            Action("core", TOKEN_REQUEST, read_only=False, resource=account),
            self.context(second),
            request=token_request(pod) if bodies else "",
            response=issued(token),
        )


@dataclass(slots=True, eq=False)
class Cluster:
    """One cluster. `bodies`: its audit policy keeps what was asked (level Request).

    `sees` is what the API server sees of a pod; `gateways` are the way out of the cluster.
    """

    name: str
    gateways: Egress
    sees: Sees
    bodies: bool
    extended: bool
    minor: int
    upgrades: list[int]  # seconds at which it got another patch release
    network: Network
    control: str  # address of the control plane
    slots: list[list[Node]] = field(default_factory=list)
    controllers: dict[tuple[str, int], Subject] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.gateways.region

    def version(self, second: int) -> str:
        """The release of Kubernetes that is installed at `second`."""
        return f"v1.{self.minor}.{2 + bisect_right(self.upgrades, second)}"

    @property
    def nodes(self) -> list[Node]:
        """All nodes it ever has."""
        return [node for slot in self.slots for node in slot]

    def host(self, chance: float, second: int) -> Node:
        """A node that runs at `second`, by a number in [0, 1)."""
        first = int(chance * len(self.slots))
        for slot in (*self.slots[first:], *self.slots[:first]):
            node = slot[max(0, bisect_right(slot, second, key=lambda one: one.start) - 1)]
            if node.start <= second < node.end - MINUTE:
                return node
        return self.slots[first][0]

    def control_call(self, fleet: Fleet, second: int, controller: str, action: Action) -> None:
        """A controller of the cluster does something, with the token it has at that time."""
        key = controller, second // RENEWED
        if key not in self.controllers:
            self.controllers[key] = pod_token(
                self.name, "kube-system", controller, fleet.event_id(), f"JTI={fleet.event_id()}"
            )
        subject = self.controllers[key]
        agent = f"{program('kube-controller-manager', self.version(second))}/{subject.name}"
        fleet.call(second, subject, action, Context(self.control, agent))


def draw(fleet: Fleet, sites: Sites, name: str) -> Cluster:
    """Cluster `name` with its nodes, six to twenty pods on each. The same, whoever asks first."""
    pods = _PODS * fleet.parameters.principals / len(sites.clusters)
    with fleet.chance(f"cluster {name}"):
        rng = fleet.rng
        network = Network(_FIRST_SITE + sites.clusters.index(name))
        cluster = Cluster(
            name,
            sites.nat(name, sites.regions_of[name]),
            _SEES[int(rng.integers(len(_SEES)))],
            bodies=bool(rng.random() < 0.5),
            extended=name in sites.extended,
            minor=_MINOR_VERSIONS[int(rng.integers(3))],
            upgrades=moments(fleet, _UPGRADES),
            network=network,
            control=network.take(fleet, 0, fleet.end + 365 * DAY),
        )
        named_by_address, storms = bool(rng.random() < 0.5), moments(fleet, _STORMS)
        for _ in range(min(60, max(10, round(pods / rng.uniform(6, 20))))):
            cluster.slots.append(_slot(fleet, cluster, storms, named_by_address=named_by_address))
        return cluster


def _slot(fleet: Fleet, cluster: Cluster, storms: list[int], *, named_by_address: bool) -> list[Node]:
    """Machines that replace each other."""
    spot = bool(fleet.rng.random() < fleet.parameters.spot_share)
    life = _SPOT_LIFE if spot else fleet.parameters.node_life * DAY
    found: list[Node] = []
    start = fleet.start - int(fleet.rng.exponential(life))
    end = fleet.start + int(fleet.rng.exponential(life))
    while start < fleet.end:
        hits = [second for second in storms if spot and start < second < end and fleet.rng.random() < _KILLED]
        node = _node(fleet, cluster, start, min([end, *hits]), storm=bool(hits), named_by_address=named_by_address)
        found.append(node)
        start = node.end + fleet.between(MINUTE, 4 * MINUTE)
        end = start + max(HOUR // 2, int(fleet.rng.exponential(life)))
    return found


def _node(fleet: Fleet, cluster: Cluster, start: int, end: int, *, storm: bool, named_by_address: bool) -> Node:
    address = cluster.network.take(fleet, start, end)
    label = f"ip-{address.replace('.', '-')}" if named_by_address else f"{cluster.name}-pool-{fleet.hex(8)}"
    egress = cluster.gateways if cluster.sees == "gateway" else Egress.of(cluster.region, [address])
    kubelet = Group(
        cluster.name,
        "/system:nodes/",
        "k8s.client-cert",
        _routine(label),
        Releases([(0, program("kubelet", cluster.version(start)), "")]),
        owner="platform",
        unusual=CLUSTER_STRANGE,
        tools=CLUSTER_TOOLS,
        sdks=CLUSTER_LIBRARIES,
    )
    digest = f"X509SHA256={fleet.hex(64)}"
    caller = certificate(cluster.name, f"system:node:{label}", "system:nodes", digest)
    holding = Holding(
        Principal(caller.name, kubelet, Rhythm(_HEARD)), caller, digest, kubelet.kind, start, start + 365 * DAY,
        Habitat(egress, kubelet.releases), workload=label, workload_end=end,
    )  # fmt: skip
    return Node(label, start, end, egress, holding, storm)


def _routine(node: str) -> Repertoire:
    """What a kubelet does all day."""
    weights = {
        Action("core", "get nodes", resource=f"/{node}"): 0.25,
        Action("core", "patch nodes/status", read_only=False, resource=f"/{node}"): 0.2,
        Action("coordination.k8s.io", "update leases", read_only=False, resource=f"kube-node-lease/{node}"): 0.1,
        Action("core", "list pods"): 0.05,
        Action("core", "get configmaps", resource="kube-system/kube-root-ca.crt"): 0.1,
        Action("core", "get secrets", resource="platform/registry"): 0.1,
        Action("core", "patch pods/status", read_only=False, resource="kube-system/node-agent"): 0.1,
        Action("core", "create events", read_only=False, resource="default/"): 0.03,
        Action("core", "delete pods", read_only=False, resource="kube-system/node-agent"): 0.02,
        Action("authentication.k8s.io", "create tokenreviews"): 0.03,
        Action("authorization.k8s.io", "create subjectaccessreviews"): 0.02,
    }
    return Repertoire(tuple(weights), tuple(weights.values()), denied_error="Forbidden")


def run(fleet: Fleet, cluster: Cluster) -> None:
    """Let the kubelets be heard, and the controllers say which nodes are gone."""
    for node in cluster.nodes:
        fleet.hold(node.holding)
        start, end = max(fleet.start, node.start), min(fleet.end, node.end)
        seconds = fleet.arrivals(start, end, _HEARD)
        known = bisect_left(seconds, node.start + DAY) if node.start > fleet.start else 0
        fleet.work(node.holding, seconds[:known], churn="autoscale")
        fleet.work(node.holding, seconds[known:])
        gone = Action("core", "delete nodes", read_only=False, resource=f"/{node.name}")
        cluster.control_call(fleet, node.end + fleet.between(MINUTE, 5 * MINUTE), "node-controller", gone)


def program(name: str, version: str) -> str:
    """The user agent of a part of Kubernetes, with the commit that its release was built from."""
    commit = sum(ord(letter) * 7919**place for place, letter in enumerate(version)) % 16**7
    return f"{name}/{version} (linux/amd64) kubernetes/{commit:07x}"
