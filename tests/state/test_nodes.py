"""Nodes and their addresses, taught epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from detector.domain import DAY, HOUR, MINUTE, SECOND, U64, UseRow
from detector.fingerprint.pods import keys
from detector.state.nodes import Nodes
from detector.state.peers import PeerTable
from tests.detections.cluster import address_of, kubelet, pod
from tests.rows import START, bytes_a_row, fingerprint

NOW = START + DAY
NOBODY: U64 = np.zeros(0, np.uint64)


class Cluster:
    """Nodes and the sketches beside them."""

    def __init__(self, limit: int = 1000) -> None:
        self.nodes, self.peers = Nodes(limit), PeerTable(1000)

    def epoch(self, *rows: UseRow, suspected: Sequence[UseRow] = ()) -> None:
        """Take in rows and close."""
        self.nodes.note(*fingerprint(*rows))
        guilty = [int(fingerprint(one)[1].principal[0]) for one in suspected]
        self.nodes.learn(np.array(guilty, np.uint64), self.peers)

    def says(self, row: UseRow) -> str:
        """Where a row of a pod stands: `own`, `other`, `free`, or `` where nothing is said."""
        batch, facets = fingerprint(row)
        found = keys(batch, facets, np.arange(1))
        place = self.nodes.standing(found, batch.time // SECOND, self.peers)
        words = {"own": place.own[0], "other": place.other[0] != 0, "free": place.free[0]}
        return " ".join(word for word, holds in words.items() if holds)


def two_nodes() -> Cluster:
    cluster = Cluster()
    cluster.epoch(*(kubelet(NOW - turn * MINUTE, node) for node in (0, 1) for turn in range(10)))
    return cluster


def test_addresses_are_own_of_another_node_or_of_none() -> None:
    cluster = two_nodes()
    assert cluster.says(pod(NOW, 0)) == "own"
    assert cluster.says(pod(NOW, 0, address=address_of(1))) == "other"
    assert cluster.says(pod(NOW, 0, address="192.0.2.66")) == "free"
    assert cluster.says(pod(NOW, 0, address="")) == ""
    assert cluster.says(pod(NOW, 0, node="")) == ""
    assert cluster.says(pod(NOW, 7)) == ""


def test_nothing_is_known_before_the_close() -> None:
    cluster = Cluster()
    cluster.nodes.note(*fingerprint(kubelet(NOW)))
    assert cluster.says(pod(NOW)) == ""


def test_a_principal_with_an_open_incident_teaches_nothing() -> None:
    cluster = two_nodes()
    cluster.epoch(kubelet(NOW, 0, address="192.0.2.66"), suspected=[kubelet(NOW, 0)])
    assert cluster.says(pod(NOW, 0, address="192.0.2.66")) == "free"


def test_four_addresses_are_kept_the_latest() -> None:
    cluster = Cluster()
    cluster.epoch(*(kubelet(NOW + at * SECOND, 0, address=f"10.20.1.{at}") for at in range(6)))
    known = [cluster.says(pod(NOW, 0, address=f"10.20.1.{at}")) for at in range(6)]
    assert known == ["free", "free", "own", "own", "own", "own"]
    cluster.epoch(kubelet(NOW - HOUR, 0, address="10.20.1.0"))
    assert cluster.says(pod(NOW, 0, address="10.20.1.0")) == "free"


def test_an_address_unused_for_days_is_no_longer_the_nodes() -> None:
    cluster = two_nodes()
    cluster.epoch(kubelet(NOW + 3 * DAY, 0, address="10.20.1.9"))
    assert cluster.says(pod(NOW + 3 * DAY, 0)) == "own"
    assert cluster.says(pod(NOW + 3 * DAY + SECOND, 0)) == "free"


@pytest.mark.parametrize(("later", "says"), [(0, "other"), (HOUR, "other"), (HOUR + SECOND, "free")])
def test_a_node_not_seen_for_an_hour_may_be_gone(later: int, says: str) -> None:
    assert two_nodes().says(pod(NOW + later, 0, address=address_of(1))) == says


def test_an_address_is_another_nodes_only_since_it_was_seen_there() -> None:
    assert two_nodes().says(pod(NOW - HOUR, 0, address=address_of(1))) == "free"


def test_the_latest_user_of_an_address_has_it() -> None:
    cluster = two_nodes()
    cluster.epoch(kubelet(NOW + HOUR, 2, address=address_of(1)), kubelet(NOW + HOUR, 0))
    assert cluster.says(pod(NOW + HOUR, 2, address=address_of(1))) == "own"
    assert cluster.says(pod(NOW + HOUR, 0, address=address_of(1))) == "other"
    assert cluster.nodes.nodes.shared.sum() == 0


@pytest.mark.parametrize("epochs", [1, 2, 6])
def test_nodes_whose_times_at_one_address_overlap_are_behind_a_gateway(epochs: int) -> None:
    gate = "203.0.113.1"
    rows = [kubelet(NOW + turn * MINUTE, turn % 3, address=gate) for turn in range(6)]
    cluster = two_nodes()
    for part in np.array_split(np.arange(6), epochs):
        cluster.epoch(*(rows[at] for at in part))
    late = NOW + 6 * MINUTE
    assert [cluster.says(pod(late, 0, address=where)) for where in (gate, address_of(1), "192.0.2.66")] == [
        "own",
        "",
        "",
    ]


def test_a_gateway_is_none_once_nobody_shared_it_for_days() -> None:
    cluster = two_nodes()
    cluster.epoch(*(kubelet(NOW + turn * MINUTE, turn % 2, address="203.0.113.1") for turn in range(4)))
    assert cluster.says(pod(NOW + HOUR, 0, address="192.0.2.66")) == ""
    later = NOW + 4 * DAY
    cluster.epoch(kubelet(later, 0), kubelet(later, 1))
    assert cluster.says(pod(later, 0, address=address_of(1))) == "other"


@pytest.mark.parametrize(("others", "says"), [(2, "other"), (3, "")])
def test_pods_of_three_other_nodes_at_one_address_make_it_an_egress_gateway(others: int, says: str) -> None:
    cluster = two_nodes()
    cluster.epoch(*(pod(NOW, 2 + node, address=address_of(1)) for node in range(others)))
    assert cluster.says(pod(NOW, 0, address=address_of(1))) == says


def test_suspected_pods_make_no_gateway() -> None:
    cluster = two_nodes()
    stolen = [pod(NOW, 2 + node, address=address_of(1)) for node in range(5)]
    cluster.epoch(*stolen, suspected=stolen[:1])
    assert cluster.says(pod(NOW, 0, address=address_of(1))) == "other"


def test_rows_in_any_order_and_any_cut_teach_the_same() -> None:
    rows = [kubelet(NOW + turn * 7 % 11 * MINUTE, turn % 4, address=f"10.20.0.{turn % 6}") for turn in range(40)]
    digests = set()
    for order in (rows, rows[::-1], rows[::2] + rows[1::2]):
        for cut in (0, 7, 39):
            cluster = Cluster()
            for part in (order[:cut], order[cut:]):
                if part:
                    cluster.nodes.note(*fingerprint(*part))
            cluster.nodes.learn(NOBODY, cluster.peers)
            digests.add((cluster.nodes.nodes.digest(), cluster.nodes.addresses.digest()))
    assert len(digests) == 1


def test_what_waits_for_the_close_is_part_of_the_digest() -> None:
    cluster, before = Cluster(), Cluster().nodes.digest()
    cluster.nodes.note(*fingerprint(kubelet(NOW)))
    assert cluster.nodes.digest() != before


def test_nodes_not_seen_for_days_are_forgotten_and_those_over_the_limit() -> None:
    cluster = Cluster(limit=16)
    cluster.epoch(*(kubelet(NOW + node * SECOND, node) for node in range(20)))
    (table, gone), (addresses, _) = cluster.nodes.gone(NOW // SECOND)
    assert len(gone) == 5
    assert (len(table), len(addresses)) == (20, 20)
    later = NOW + 3 * DAY + 10 * SECOND
    assert [len(slots) for _, slots in cluster.nodes.gone(later // SECOND)] == [10, 10]


def test_the_addresses_of_a_node_are_listed_the_latest_first() -> None:
    cluster = Cluster()
    cluster.epoch(*(kubelet(NOW + at * SECOND, 0, address=f"10.20.1.{at}") for at in range(3)))
    batch, facets = fingerprint(*(kubelet(NOW, 0, address=f"10.20.1.{at}") for at in (2, 1, 0)))
    node = int(keys(batch, facets, np.arange(1)).node[0])
    assert cluster.nodes.texts(node) == facets.value[:, 1].tolist()
    assert cluster.nodes.texts(1) == []


def test_a_node_and_its_addresses_take_at_most_512_bytes() -> None:
    nodes = Nodes(4096)
    assert bytes_a_row(nodes.nodes) + 4 * bytes_a_row(nodes.addresses) <= 512
