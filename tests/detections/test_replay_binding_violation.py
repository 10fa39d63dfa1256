"""Instance sessions off their instance, and what only looks like it."""

from __future__ import annotations

from typing import Any

from detector.domain import KIND_CODE, SECOND
from tests.detections.cluster import CURL, GO, address_of, cluster_week, kubelet, pod
from tests.detections.cluster import FAR as OUTSIDE
from tests.detections.scenario import (
    AGENT,
    BOTO,
    CLI,
    DAY,
    HOUR,
    MINUTE,
    START,
    THEFT,
    Scenario,
    Use,
    alerts,
    instance,
    interleaved,
)

DETECTION = "replay.binding_violation"
FAR = "192.0.2.66"


def stolen() -> list[Use]:
    return interleaved(instance, lambda at: instance(at, address=FAR, client=CLI))


def stolen_over_imds_v1() -> list[Use]:
    """The workload asks by IMDSv2; the thief got the key by a forwarded IMDSv1 request, with the same SDK."""
    return interleaved(instance, lambda at: instance(at, address=FAR, client=BOTO, delivery="1.0"))


def endpoint_and_public() -> list[Use]:
    return interleaved(instance, lambda at: instance(at, address="10.0.4.9", channel="vpce:vpce-0a1b2c3d"))


def address_attached() -> list[Use]:
    return [
        instance(THEFT + turn * MINUTE, address="203.0.113.77" if turn > 4 else "198.51.100.20") for turn in range(12)
    ]


def nat_pool() -> list[Use]:
    """A role whose sessions leave by any of three gateways; an agent runs beside the workload on each instance."""
    role = {"principal": "arn:aws:iam::111122223333:role/app/pool#instance"}
    return [
        instance(
            START + turn * 20 * MINUTE,
            1000 + turn % 4 + 4 * (turn // 200),
            **role,
            address=("203.0.113.1", "198.51.101.1", "198.51.102.1")[turn * 7 % 11 % 3],
            client=AGENT if turn % 5 == 0 else BOTO,
        )
        for turn in range(600)
    ]


def next_key_of_the_instance() -> list[Use]:
    """Keys of an instance are renewed every few hours: a second key of the session is no second holder."""
    return [instance(THEFT + turn * HOUR, key=f"ASIANEXT{turn // 6}") for turn in range(24)]


# --- pods ----------------------------------------------------------------------------------------------------------


def taken_to_another_node(times: int = 5) -> list[Use]:
    """The token of the pod on node 0 is used on node 1 by the same client, while the pod goes on."""
    return [*cluster_week(), *(pod(THEFT + turn * 3 * MINUTE, address=address_of(1)) for turn in range(1, times + 1))]


def taken_out_of_the_cluster() -> list[Use]:
    return [*cluster_week(), *(pod(THEFT + turn * 3 * MINUTE, address=OUTSIDE, client=CURL) for turn in range(1, 6))]


def never_used_by_its_pod() -> list[Use]:
    """The token of a pod that never speaks itself, used on another node: proven by the first news of that node."""
    mute = {"uid": "uid-mute", "instance": "shop/mute", "address": address_of(1)}
    return [*cluster_week(), *(pod(THEFT + turn * 4 * MINUTE, 0, **mute) for turn in range(1, 20))]


def node_replaced() -> list[Use]:
    """Node 3 is gone with its pod; an hour later node 9 has its address, and a pod that moved there from nowhere."""
    rows = [row for row in cluster_week() if row.node != "node-3" or row.time < THEFT]
    there = {"address": address_of(3)}
    return [
        *rows,
        *(kubelet(THEFT + HOUR + turn * 5 * MINUTE, 9, **there) for turn in range(24)),
        *(pod(THEFT + HOUR + turn * 5 * MINUTE + MINUTE, 9, **there) for turn in range(24)),
    ]


def behind_nat() -> list[Use]:
    """Two nodes leave by each of two gateways, whose pods have both and a third, in no order."""
    gates = ("203.0.113.1", "203.0.113.2", "203.0.113.3")
    return [
        row._replace(
            address=gates[
                (turn * 7 + turn // 5) % 11 % 3 if row.kind == KIND_CODE["k8s.bound-token"] else int(row.node[-1]) % 2
            ]
        )
        for turn, row in enumerate(cluster_week())
    ]


def own_addresses() -> list[Use]:
    """Every pod is known by an address of its own, of the nodes' network; each day other pods have them."""
    rows = cluster_week(pods=False)
    for at in range(START, THEFT + 3 * HOUR, 20 * MINUTE):
        day = at // DAY
        for node in range(4):
            where = f"10.20.0.{100 + (day * 7 + node * 31) % 90}"
            rows.append(pod(at + node, node, f"uid-{node}-{day}", address=where, client=CURL if at % HOUR else GO))
    return rows


def given_the_address_of_a_node() -> list[Use]:
    """Pods have addresses of their own; node 3 is removed, and ten minutes later a new pod has its address."""
    rows = [row for row in own_addresses() if row.node != "node-3" or row.time < THEFT]
    born = {"uid": "uid-born", "instance": "shop/born", "address": address_of(3)}
    return [*rows, *(pod(THEFT + 10 * MINUTE + turn * 5 * MINUTE, 0, **born) for turn in range(60))]


def on_the_network_of_its_host() -> list[Use]:
    """In a cluster of pods with their own addresses, an agent on each node shows the node's."""
    role = {"principal": "system:serviceaccount:kube-system:agent", "peer_group": "prod|k8s.bound-token|kube-system"}
    return [
        *own_addresses(),
        *(
            pod(at + node, node, f"uid-agent-{node}", instance=f"kube-system/agent-{node}", **role)
            for at in range(START, THEFT + 3 * HOUR, HOUR)
            for node in range(4)
        ),
    ]


def dual_stack() -> list[Use]:
    """Nodes and pods speak by either family, whichever answers first."""
    return [
        row._replace(address=f"2001:db8:20::{row.node[-1]}") if turn * 7 % 11 % 2 else row
        for turn, row in enumerate(cluster_week())
    ]


def restarted() -> list[Use]:
    """A kubelet comes back with another version; its pods go on meanwhile."""
    again = [kubelet(THEFT + HOUR + turn * SECOND, client="kubelet/v1.32.0 (linux/amd64)") for turn in range(60)]
    rows = [row for row in cluster_week() if "kubelet" not in row.client or row.node != "node-0" or row.time < THEFT]
    return [*rows, *again]


def on_every_node() -> list[Use]:
    """One service account, a pod on each node, replaced together by a new version with another client."""
    role = {"principal": "system:serviceaccount:kube-system:log", "peer_group": "prod|k8s.bound-token|kube-system"}
    return [
        *cluster_week(),
        *(
            pod(
                at + node, node, f"uid-log-{node}-{at >= THEFT}", instance=f"kube-system/log-{node}", **role,
                client=CURL if at >= THEFT else GO,
            )
            for at in range(START, THEFT + 3 * HOUR, HOUR)
            for node in range(4)
        ),
    ]  # fmt: skip


def before_its_kubelet() -> list[Use]:
    """Pods of node 7 speak at once; its kubelet is seen half an hour later (another partition of the log lags)."""
    return [
        *cluster_week(),
        *(pod(THEFT + turn * MINUTE, 7) for turn in range(60)),
        *(kubelet(THEFT + (30 + turn * 5) * MINUTE, 7) for turn in range(20)),
    ]


def egress_gateway() -> list[Use]:
    """Pods leave the cluster by node 1, always; beside it they speak by their own node."""
    return [
        row._replace(address=address_of(1)) if row.kind == KIND_CODE["k8s.bound-token"] and turn % 3 else row
        for turn, row in enumerate(cluster_week(nodes=6))
    ]


def first_minutes_at_another_address() -> list[Use]:
    """A node gets a second address, of no node; pods show it before the kubelet does."""
    second: dict[str, Any] = {"address": "10.20.0.99"}
    return [
        *cluster_week(),
        *(pod(THEFT + turn * 3 * MINUTE, **second) for turn in range(1, 30)),
        *(kubelet(THEFT + (30 + turn * 5) * MINUTE, **second) for turn in range(20)),
    ]


SCENARIOS = (
    Scenario("pod token used on another node", DETECTION, fires=True, uses=taken_to_another_node),
    Scenario("pod token used outside of the cluster", DETECTION, fires=True, uses=taken_out_of_the_cluster),
    Scenario("token of a mute pod used on another node", DETECTION, fires=True, uses=never_used_by_its_pod),
    Scenario("new node takes over the address of one that is gone", DETECTION, fires=False, uses=node_replaced),
    Scenario("nodes behind one NAT gateway", DETECTION, fires=False, uses=behind_nat),
    Scenario("pods that show their own addresses", DETECTION, fires=False, uses=own_addresses),
    Scenario("pod given the former address of a node", DETECTION, fires=False, uses=given_the_address_of_a_node),
    Scenario("pod on the network of its host", DETECTION, fires=False, uses=on_the_network_of_its_host),
    Scenario("dual-stack node", DETECTION, fires=False, uses=dual_stack),
    Scenario("kubelet restarted", DETECTION, fires=False, uses=restarted),
    Scenario("DaemonSet on every node", DETECTION, fires=False, uses=on_every_node),
    Scenario("pods of a new node before its kubelet was seen", DETECTION, fires=False, uses=before_its_kubelet),
    Scenario("egress gateway on one node", DETECTION, fires=False, uses=egress_gateway),
    Scenario("second address of a node", DETECTION, fires=False, uses=first_minutes_at_another_address),
    Scenario("stolen session key used with another client from elsewhere", DETECTION, fires=True, uses=stolen),
    Scenario("endpoint and public path of the same client", DETECTION, fires=False, uses=endpoint_and_public),
    Scenario("elastic address attached to a running instance", DETECTION, fires=False, uses=address_attached),
    Scenario("NAT gateway pool shared with other sessions", DETECTION, fires=False, uses=nat_pool),
    Scenario("keys renewed on the instance", DETECTION, fires=False, uses=next_key_of_the_instance),
)


def test_the_alert_names_the_instance_its_home_and_where_it_was_used() -> None:
    first = alerts(stolen)[0]
    assert first.detection == DETECTION
    assert first.severity == "high"
    assert first.is_alert
    reason = first.reasons[0]
    assert reason.facet == "binding"
    assert FAR in reason.observed
    assert "198.51.100.20" in reason.expected
    assert {interval.role for interval in first.timeline} == {"observed", "expected"}


def test_one_theft_is_one_incident() -> None:
    assert len({alert.incident_id for alert in alerts(stolen)}) == 1


def test_another_delivery_version_is_another_client() -> None:
    found = alerts(stolen_over_imds_v1)
    assert any(reason.facet == "binding" for alert in found for reason in alert.reasons)


def test_the_alert_names_both_nodes_and_the_addresses_of_the_pods_own() -> None:
    first = alerts(taken_to_another_node)[0]
    assert first.title.startswith("Token of pod shop/web-0 used off its node node-0, from 10.20.0.11")
    (reason,) = [one for one in first.reasons if one.facet == "binding"]
    assert "an address of node node-1" in reason.observed
    assert reason.expected == "only pod shop/web-0 on node node-0 (its addresses: 10.20.0.10)"
    assert first.response.recommended.startswith("delete the bound pod")
    assert {(one.type, one.value) for one in first.observables if one.role == "expected"} >= {("node", "node-0")}


def test_the_first_use_on_another_node_raises_the_incident() -> None:
    first = alerts(taken_to_another_node)[0]
    assert first.evidence.event_count == 1


def test_kubelets_of_another_raw_partition_are_heard_at_the_close() -> None:
    """Raw partitions hold whatever their producers put there; kubelets and pods meet in the nodes' table."""
    assert alerts(split_over_raw_partitions)[0].detection == DETECTION


def split_over_raw_partitions() -> list[Use]:
    return [row._replace(raw_partition=int(row.node == "node-1")) for row in taken_to_another_node()]
