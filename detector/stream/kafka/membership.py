"""Our membership of a consumer group, as aiokafka tells it, and the few private parts of aiokafka that we need.

They are all here, so that a new version of the library has one file to be checked against. Rebalances are eager: every
one takes all partitions away and then gives new ones, in two callbacks whose exceptions the library would swallow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.protocol.group import LeaveGroupRequest

from detector.stream.base import Position
from detector.stream.kafka.connection import ended

REBALANCE_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 20.0  # how long a rebalance waits for the step in progress


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """What is ours, and whether it is moving.

    `moving` holds from the start of a rebalance to its end, and before the first; no record may be asked for then.
    `assigned` is what was given and has not been told yet. `since` is when the last move began, on the loop's clock.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.consumer = consumer
        self._noted = self._told = -1  # generations: of what was given last, and of what the caller knows
        self._resting = asyncio.Event()
        self._changed = asyncio.Event()
        self.moving = True
        self.assigned: frozenset[TopicPartition] | None = None
        self.since = asyncio.get_running_loop().time()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait, for a bounded time, until what is in progress is written and committed; heartbeats go on meanwhile."""
        self.moving, self.assigned = True, None
        self.since = asyncio.get_running_loop().time()
        if revoked:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._resting.wait()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note what is ours. No heartbeat is sent before this returns, so nothing is asked and nothing awaited."""
        # First, before the fetcher runs: a partition with a position is never looked up or reset, a paused one is
        # never fetched. Where to read is the caller's word (`seek`).
        self.consumer.pause(*assigned)
        for at in assigned:
            self.consumer.seek(at, 0)
        self._noted = self.consumer._coordinator.generation
        self.moving, self.assigned = False, frozenset(assigned)
        self._changed.set()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within this nothing is in progress: what was handed out before is written and committed."""
        self._resting.set()
        try:
            yield
        finally:
            self._resting.clear()

    @property
    def current(self) -> bool:
        """Whether the group still knows us as the owner of what was told last.

        Without a generation a commit must not be sent: the broker takes one from nobody for a group without members.
        """
        return self._told > 0 and self.consumer._coordinator.generation == self._told

    def tell(self) -> None:
        """The caller knows what was assigned last, and where it is read from is its word now."""
        self._told, self.assigned = self._noted, None

    async def change(self, seconds: float) -> None:
        """Wait until partitions are assigned, at most so long. Raises the group's errors."""
        self._changed.clear()
        with self.consumer._subscription.fetch_context():
            pass  # as `getmany` does: we are alive, and a member that seems not to be would never join again
        self.consumer._coordinator.check_errors()
        if self.moving:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    async def arrival(self, seconds: float) -> None:
        """Wait until records may have arrived, at most so long. Raises the group's errors.

        `getmany` with a timeout would do the same, but waits without end when a rebalance begins meanwhile.
        """
        waiter = self.consumer._fetcher._create_fetch_waiter()
        try:
            await asyncio.wait({waiter}, timeout=seconds)
            if waiter.done():
                waiter.result()
        finally:
            waiter.cancel()

    async def committed(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """What the group has stored, with its notes, which `AIOKafkaConsumer.committed` leaves out."""
        found = await self.consumer._coordinator.fetch_committed_offsets(list(partitions))
        return {at: Position(stored.offset, stored.metadata or "") for at, stored in found.items()}

    async def end(self) -> None:
        """Leave the group and end the consumer, whatever state it is in."""
        self._resting.set()  # a rebalance that waits for us need not
        if await ended(self.consumer.stop()):
            return
        coordinator, fetcher = self.consumer._coordinator, self.consumer._fetcher
        for task in (coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task):
            if task is not None:
                task.cancel()
        if coordinator.member_id and coordinator.coordinator_id is not None:
            # Without a word of ours the group would wait for the end of our session. On a connection of its own: the
            # group's may be blocked by a request to join.
            leaving = LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
            await ended(self.consumer._client.send(coordinator.coordinator_id, leaving))
        await ended(fetcher.close())
        await ended(self.consumer._client.close())


async def abandon(consumer: Any) -> None:
    """End a consumer that never joined."""
    if not await ended(consumer.stop()):
        await ended(consumer._client.close())
