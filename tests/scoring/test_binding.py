from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from detector.domain import KIND_CODE, Flag, UseRow
from detector.scoring.binding import strange
from detector.scoring.concurrency import Concurrency
from tests.detections.cluster import CURL, address_of, kubelet, pod
from tests.uses import AGENT, BOTO, BUNDLE, CLI, HOUR, MINIMUM, MINUTE, NAT, START, Mind, fingerprint, instance, varied

NOW = START + 7 * 24 * HOUR
FAR = "192.0.2.66"
THIEF = {"address": FAR, "client": CLI}
CONTRADICTED, KNOWN_CLIENT = 12.0, 5.0


def nats(*rows: UseRow, mind: Mind | None = None) -> list[float]:
    """Binding evidence of rows of one epoch, before the principal's age is considered."""
    mind = mind or Mind()
    batch, facets = fingerprint(rows)
    mind.shard.admit(batch, facets)
    rules = Concurrency(BUNDLE.concurrency, BUNDLE.binding, MINIMUM)
    found = rules.step(batch, facets, np.zeros(len(batch), np.bool_), mind.shard).binding
    return [quanta / NAT for quanta in found.tolist()]


def at(minutes: int, **columns: object) -> UseRow:
    """A use by one instance from its own address with its own client, unless columns say otherwise."""
    return varied(instance(NOW + minutes * MINUTE), **columns)


def test_another_address_and_client_contradict_the_session() -> None:
    assert nats(at(0), at(1, **THIEF)) == [0, CONTRADICTED]


def test_every_use_from_the_contradicting_context_counts() -> None:
    assert nats(at(0), at(1, **THIEF), at(2), at(3, **THIEF)) == [0, CONTRADICTED, 0, CONTRADICTED]


def test_another_address_and_delivery_version_contradict_the_session() -> None:
    """The same SDK, but the key was fetched by the older metadata service: asked for by somebody else."""
    assert nats(at(0), at(1, address=FAR, client=CLI, delivery="1.0")) == [0, CONTRADICTED]
    assert nats(at(0), at(1, address=FAR, delivery="1.0"))[1] > 0


def test_the_first_context_of_a_session_contradicts_nothing() -> None:
    assert nats(at(0, **THIEF)) == [0]


def test_another_client_at_the_sessions_own_address_is_quiet() -> None:
    assert nats(at(0), at(1, client=CLI)) == [0, 0]


def test_an_address_change_of_one_client_is_quiet() -> None:
    """An elastic address attached to a running instance."""
    assert nats(at(0), at(1, address=FAR), at(2)) == [0, 0, 0]


def test_endpoint_and_public_path_of_one_client_are_quiet() -> None:
    assert nats(at(0), at(1, address="10.0.4.9", channel="vpce:vpce-0a1b"), at(2)) == [0, 0, 0]


def test_an_address_that_serves_another_session_of_the_realm_is_quiet() -> None:
    """A NAT gateway: whoever leaves by it shows its address."""
    mind = Mind()
    mind.learn([instance(NOW - HOUR, 5)._replace(address=FAR)])
    assert nats(at(0), at(1, **THIEF), mind=mind) == [0, 0]


def test_an_address_that_serves_another_realm_contradicts() -> None:
    mind = Mind()
    mind.learn([instance(NOW - HOUR, 5)._replace(address=FAR, realm="999988887777")])
    assert nats(at(0), at(1, **THIEF), mind=mind) == [0, CONTRADICTED]


def test_an_address_shared_only_since_this_epoch_contradicts() -> None:
    """Shared tables are frozen within an epoch: a thief with two sessions does not vouch for himself at once."""
    assert nats(at(0), varied(instance(NOW, 5), **THIEF), at(1, **THIEF))[2] == CONTRADICTED


def test_an_unknown_address_is_quiet() -> None:
    assert nats(at(0), at(1, address="", client=CLI)) == [0, 0]


@pytest.mark.parametrize("kind", ["aws.access-key", "aws.session/assumed", "aws.session/container"])
def test_other_kinds_are_bound_to_no_instance(kind: str) -> None:
    code = KIND_CODE[kind]
    assert nats(at(0, kind=code), at(1, kind=code, **THIEF)) == [0, 0]


def test_a_contradicting_context_does_not_become_the_sessions_own() -> None:
    """The thief's second address is as foreign as the first, though its client has been seen there."""
    assert nats(at(0), at(1, **THIEF), at(2, address="203.0.113.5", client=CLI)) == [0, CONTRADICTED, CONTRADICTED]


def test_another_key_of_the_session_is_compared_with_the_same_home() -> None:
    assert nats(at(0), at(1, credential="ASIANEXT"), at(2, credential="ASIANEXT", **THIEF)) == [0, 0, CONTRADICTED]


# --- strange clients accuse, known ones support -------------------------------------------------------------------


def ran(hours: int, client: str = AGENT, which: int = 5, **columns: object) -> list[UseRow]:
    """Another instance of the role runs a client, one use in each of some hours of one day."""
    return [varied(instance(NOW - hour * HOUR, which), client=client, **columns) for hour in range(hours, 0, -1)]


@pytest.mark.parametrize(("hours", "expected"), [(0, CONTRADICTED), (2, CONTRADICTED), (3, KNOWN_CLIENT)])
def test_a_client_that_the_principal_runs_elsewhere_supports_after_three_hours(hours: int, expected: float) -> None:
    mind = Mind()
    mind.learn([*ran(1, BOTO), *ran(hours)])
    assert nats(at(0), at(1, address=FAR, client=AGENT), mind=mind) == [0, expected]


@pytest.mark.parametrize(("peers", "expected"), [(0, CONTRADICTED), (1, CONTRADICTED), (2, KNOWN_CLIENT)])
def test_a_client_that_peers_run_supports_from_two_of_them_on(peers: int, expected: float) -> None:
    mind = Mind()
    others = [row for peer in range(peers) for row in ran(1, which=10 + peer, principal=f"peer-{peer}")]
    mind.learn([*ran(1, BOTO), *others])
    assert nats(at(0), at(1, address=FAR, client=AGENT), mind=mind) == [0, expected]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, False),
        ({"client": CLI, "address": FAR}, True),
        ({"client": CLI}, False),  # a new tool on a known network
        ({"address": FAR}, False),  # the known client on a new network
        ({"client": "", "address": FAR}, False),  # unknown is no anomaly
        ({"client": CLI, "address": ""}, False),
        ({"client": CLI, "address": FAR, "provider": "cloud"}, True),  # the owner's cloud, rented by a thief
        ({"client": CLI, "address": FAR, "flags": Flag.KNOWN_EGRESS}, False),
    ],
)
def test_a_context_is_strange_where_both_its_client_and_its_network_are(
    columns: dict[str, object],
    expected: bool,  # noqa: FBT001
) -> None:
    mind = Mind()
    mind.learn([row._replace(provider="cloud") for row in ran(3, BOTO)])
    _, facets = fingerprint([at(0, **columns)])
    assert strange(facets, np.arange(1), BUNDLE.concurrency.strange, mind.shard).tolist() == [expected]


@pytest.mark.parametrize(("hours", "expected"), [(23, False), (24, True)])
def test_nothing_is_strange_before_enough_is_known_of_its_principal(hours: int, expected: bool) -> None:  # noqa: FBT001
    """What is seldom done was not done yet: an endpoint that is first met on the second day is nobody's."""
    mind = Mind()
    mind.learn(ran(hours, BOTO))
    _, facets = fingerprint([at(0, client=CLI, address=FAR)])
    priors = msgspec.structs.replace(BUNDLE.concurrency.strange, after_hour_cells=24)
    assert strange(facets, np.arange(1), priors, mind.shard).tolist() == [expected]


# --- pods ----------------------------------------------------------------------------------------------------------


def cluster(nodes: int = 3, hours: int = 5) -> Mind:
    """A mind that knows some nodes by their addresses, and the service account of their pods."""
    mind = Mind()
    for hour in range(hours, -1, -1):
        when = NOW - hour * HOUR
        mind.learn([row for node in range(nodes) for row in (kubelet(when, node), pod(when, node, f"old-{node}"))])
    return mind


def on(minutes: int, node: int = 0, **columns: Any) -> UseRow:
    """A use by the pod of a node, which speaks with the node's address."""
    return pod(NOW + minutes * MINUTE, node, **columns)


def test_a_pod_at_its_own_node_is_quiet() -> None:
    assert nats(on(0), on(1), on(2, 1), on(3, client=CURL), mind=cluster()) == [0, 0, 0, 0]


def test_the_address_of_another_node_contradicts_a_pod_that_was_seen_elsewhere() -> None:
    """Whatever the client: the addresses of nodes in one prefix even share a context."""
    assert nats(on(0), on(1, address=address_of(1)), on(2), mind=cluster()) == [0, CONTRADICTED, 0]
    assert nats(on(0), on(1, address=address_of(1), client=CURL), mind=cluster()) == [0, CONTRADICTED]


def test_the_first_address_of_a_pod_supports_until_the_other_node_is_seen_there_again() -> None:
    """Pods with addresses of their own may be given one that was a node's until lately."""
    mind = cluster()
    taken = [on(minutes, address=address_of(1)) for minutes in (1, 2)]
    assert nats(*taken, mind=mind) == [KNOWN_CLIENT, KNOWN_CLIENT]
    mind.learn([kubelet(NOW + 9 * MINUTE, 1)])
    assert nats(on(10, address=address_of(1)), mind=mind) == [CONTRADICTED]


def test_an_address_of_no_node_contradicts_a_pod_that_speaks_by_its_node() -> None:
    """It accuses where client and network are strange, and supports elsewhere."""
    mind = cluster()
    assert nats(on(0), on(1, address=FAR, client=CURL), on(2), mind=mind) == [0, CONTRADICTED, 0]
    assert nats(on(3, address="10.20.0.99", client=CURL), mind=mind) == [KNOWN_CLIENT]


def test_pods_with_addresses_of_their_own_contradict_nothing() -> None:
    own: dict[str, Any] = {"address": "10.20.7.7"}
    assert nats(on(0, **own), on(1, address=FAR, client=CURL), on(2, **own), mind=cluster()) == [0, 0, 0]


def test_a_place_that_turns_out_to_be_the_nodes_own_is_trusted_again() -> None:
    mind = cluster()
    assert nats(on(0), on(1, address=FAR, client=CURL), mind=mind) == [0, CONTRADICTED]
    mind.learn([kubelet(NOW + 2 * MINUTE, 0, address=FAR)])
    assert nats(on(3, address=FAR, client=CURL), mind=mind) == [0]


def test_pods_of_a_node_that_is_not_known_contradict_nothing() -> None:
    assert (
        nats(on(0, 7), on(1, 7, address=address_of(1)), on(2, 7, address=FAR, client=CURL), mind=cluster()) == [0] * 3
    )


def test_evidence_of_pods_does_not_depend_on_where_a_batch_is_cut() -> None:
    """Rows in a current context go the quick way, those of another node must not."""
    rows = [on(0), on(1, address=address_of(1)), on(2), on(3, address=FAR), on(4), on(5, address=address_of(2))]
    mind = cluster()
    assert [nats(row, mind=mind)[0] for row in rows] == nats(*rows, mind=cluster())
