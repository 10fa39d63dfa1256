"""Fixtures over a real broker, and which one it is.

In this order: the cluster named by DETECTOR_TEST_BOOTSTRAP; one started here (Java 17 and Maven); else the tests are
skipped with the reason, or fail with it under DETECTOR_REQUIRE_KAFKA=1.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.integration.broker import Cluster, Unavailable

NewTopicFactory = Callable[..., str]


def _started(count: int, factory: pytest.TempPathFactory) -> Cluster:
    try:
        return Cluster.start(count, factory.mktemp("kafka"))
    except Unavailable as exc:
        if os.environ.get("DETECTOR_REQUIRE_KAFKA") == "1":
            pytest.fail(f"DETECTOR_REQUIRE_KAFKA=1, but {exc}")
        pytest.skip(str(exc))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One broker for the whole session; tests keep apart by topic and group names."""
    bootstrap = os.environ.get("DETECTOR_TEST_BOOTSTRAP")
    cluster = Cluster.external(bootstrap) if bootstrap else _started(1, tmp_path_factory)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def _three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = _started(3, tmp_path_factory)
    yield cluster
    cluster.stop()


@pytest.fixture
def three_brokers(_three: Cluster) -> Cluster:
    """Three brokers of our own, for tests that kill some of them; the killed are started again for the next test."""
    _three.revive()
    return _three


def create_topic(
    cluster: Cluster, name: str, partitions: int = 1, replication: int = 1, config: Mapping[str, str] | None = None
) -> str:
    """Create a topic `name-<unique>` and return its name."""
    unique = f"{name}-{uuid.uuid4().hex[:12]}"
    topic = NewTopic(unique, num_partitions=partitions, replication_factor=replication, config=dict(config or {}))
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})  # its futures die with it
    for future in admin.create_topics([topic]).values():
        future.result(30)
    for address in cluster.bootstrap.split(","):
        _wait_until_known(address, unique)
    return unique


def _wait_until_known(address: str, topic: str) -> None:
    """A broker learns of a topic a moment after the controller has made it."""
    admin = AdminClient({"bootstrap.servers": address})
    deadline = time.monotonic() + 30
    while not any(part.leader >= 0 for part in admin.list_topics(topic, timeout=10).topics[topic].partitions.values()):
        assert time.monotonic() < deadline, f"{address} does not know {topic}"


@pytest.fixture
def new_topic(broker: Cluster) -> NewTopicFactory:
    """Create a topic on the broker: `new_topic("raw", partitions=2, retention_ms="1000")` → its unique name."""

    def create(name: str, partitions: int = 1, **config: str) -> str:
        settings = {key.replace("_", "."): value for key, value in config.items()}
        return create_topic(broker, name, partitions, config=settings)

    return create
