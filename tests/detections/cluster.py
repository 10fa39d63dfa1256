"""A small cluster for scenarios: four nodes, one pod of a Deployment on each, a week of history."""

from __future__ import annotations

from detector.domain import HOUR, KIND_CODE, MINUTE, Activity
from tests.detections.scenario import START, THEFT, Use, use

AGENT_OF_CLUSTER = "kubelet/v1.31.2 (linux/amd64) kubernetes/5864a46"
GO = "web/v1.4.0 (linux/amd64) kubernetes/$Format"
CURL = "curl/8.5.0"
FAR = "192.0.2.66"


def address_of(node: int) -> str:
    """The address of a node; all lie in one prefix."""
    return f"10.20.0.{10 + node}"


def kubelet(at: int, which: int = 0, **columns: object) -> Use:
    """A use by the kubelet of a node, from the node's address."""
    name = f"system:node:node-{which}"
    told: dict[str, object] = {
        "realm": "prod", "account": "prod", "principal": name, "credential": f"X509SHA256={which:04}",
        "node": f"node-{which}", "kind": KIND_CODE["k8s.client-cert"],
        "peer_group": "prod|k8s.client-cert|system:nodes", "address": address_of(which),
        "client": AGENT_OF_CLUSTER, "action": "core:patch nodes/status", "region": "",
    }  # fmt: skip
    return use(at, **{**told, **columns})


def pod(at: int, which: int = 0, uid: str = "", **columns: object) -> Use:
    """A use by a pod on a node, which the API server sees with the node's address."""
    uid = uid or f"uid-{which}"
    told: dict[str, object] = {
        "realm": "prod", "account": "prod", "principal": "system:serviceaccount:shop:web", "session": uid,
        "instance": f"shop/web-{which}", "credential": f"JTI={uid}", "node": f"node-{which}",
        "kind": KIND_CODE["k8s.bound-token"], "peer_group": "prod|k8s.bound-token|shop", "address": address_of(which),
        "client": GO, "action": "core:list services", "region": "",
    }  # fmt: skip
    return use(at, **{**told, **columns})


def ended(at: int, which: int = 0, uid: str = "", **columns: object) -> Use:
    """The end of a pod; without `uid` the log names the pod only."""
    told: dict[str, object] = {
        "activity": Activity.END, "principal": "", "credential": "", "kind": 0, "peer_group": "", "session": uid,
    }  # fmt: skip
    return pod(at, which, "-", **{**told, **columns})


def cluster_week(nodes: int = 4, *, pods: bool = True, until: int = THEFT + 3 * HOUR) -> list[Use]:
    """Kubelets every ten minutes, pods every half hour."""
    rows = []
    for at in range(START, until, 10 * MINUTE):
        rows += [kubelet(at + node, node) for node in range(nodes)]
        if pods and at % (30 * MINUTE) == 0:
            rows += [pod(at + MINUTE + node, node) for node in range(nodes)]
    return rows
