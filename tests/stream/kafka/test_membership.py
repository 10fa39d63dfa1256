"""How long a rebalance waits for us; the rest needs a broker and is in tests/integration/test_kafka_stream.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from detector.stream.kafka.membership import Membership

MINE = {TopicPartition("raw", 0)}


@pytest.fixture
async def membership() -> AsyncIterator[Membership]:
    consumer = AIOKafkaConsumer()
    yield Membership(consumer)
    await consumer.stop()


async def test_before_the_first_assignment_everything_is_moving_and_nothing_is_current(membership: Membership) -> None:
    assert membership.moving
    assert membership.assigned is None
    assert not membership.current


async def test_a_rebalance_waits_until_the_caller_rests(membership: Membership) -> None:
    revoking = asyncio.create_task(membership.on_partitions_revoked(MINE))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not revoking.done()
    with membership.resting():
        await asyncio.wait_for(revoking, 5)


async def test_who_has_nothing_to_give_up_is_not_waited_for(membership: Membership) -> None:
    await asyncio.wait_for(membership.on_partitions_revoked(set()), 5)


async def test_a_rebalance_does_not_wait_for_ever(membership: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.stream.kafka.membership.PATIENCE_SECONDS", 0.01)
    await asyncio.wait_for(membership.on_partitions_revoked(MINE), 5)
    assert membership.moving
