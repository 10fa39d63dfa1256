from __future__ import annotations

from typing import Any

import pytest

from detector.domain import KIND_CODE, Activity, Flag, Outcome
from detector.fingerprint.pods import by_kubelets, by_pods, keys
from tests.detections.cluster import kubelet, pod
from tests.rows import START, fingerprint


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({}, True),
        ({"kind": KIND_CODE["aws.session/assumed"]}, True),  # EKS nodes authenticate by IAM
        ({"credential": ""}, True),  # certificates have no id before 1.32
        ({"outcome": Outcome.UNKNOWN}, True),
        ({"outcome": Outcome.DENIED}, False),
        ({"outcome": Outcome.FAILED}, False),
        ({"flags": Flag.TS_SUSPECT}, False),
        ({"activity": Activity.ISSUE}, False),
        ({"node": ""}, False),
        ({"node": "node-1"}, False),
        ({"principal": "system:serviceaccount:shop:web"}, False),
        ({"kind": KIND_CODE["k8s.bound-token"]}, False),
    ],
)
def test_a_kubelet_is_who_speaks_for_the_node_it_names(columns: dict[str, Any], *, found: bool) -> None:
    batch, _ = fingerprint(kubelet(START, 0, **columns))
    assert by_kubelets(batch).tolist() == ([0] if found else [])


def test_pods_are_scored_uses_of_bound_tokens() -> None:
    rows = [pod(START), kubelet(START), pod(START, activity=Activity.ISSUE), pod(START, flags=Flag.TS_SUSPECT)]
    assert by_pods(*fingerprint(*rows)).tolist() == [0]


def test_the_keys_of_another_cluster_are_others_even_in_one_realm() -> None:
    batch, facets = fingerprint(pod(START), pod(START, account="stage"), pod(START, realm="stage"), kubelet(START))
    found = keys(batch, facets, by_pods(batch, facets))
    for column in (found.node, found.address, found.pod, found.name):
        assert len(set(column.tolist())) == 3
    every = keys(batch, facets, by_kubelets(batch))
    assert (every.node[0], every.address[0]) == (found.node[0], found.address[0])


def test_what_is_unknown_has_no_key() -> None:
    batch, facets = fingerprint(pod(START, node="", address="", instance=""))
    found = keys(batch, facets, by_pods(batch, facets))
    assert (found.node[0], found.address[0], found.name[0]) == (0, 0, 0)
    assert not found.placed[0]
