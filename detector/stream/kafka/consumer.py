"""Reading from Kafka as a member of a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors

from detector.errors import ConfigError, InternalError, StreamUnavailable
from detector.stream.base import Bounds, Fetched, Partition, Position, RecordStream
from detector.stream.kafka.assignor import RendezvousAssignor
from detector.stream.kafka.connection import Connection, raw_record
from detector.stream.kafka.membership import REBALANCE_SECONDS, Membership, abandon
from detector.stream.kafka.producer import missing
from detector.stream.refusals import check_retained
from detector.telemetry.events import LagMeasured, Observer, Rebalanced

LOOK_SECONDS: Final = 0.2  # how long a fetch waits for something
WATCH_SECONDS: Final = 1.0
QUIET_LOOKS: Final = 10  # a partition that did not move in so many seconds of empty buffers is asked for its end
JOIN_SECONDS: Final = 90.0  # a rebalance may take the slowest member's time, and no more
MAX_RECORDS: Final = 4096
PARTITION_BYTES: Final = 2 * 1024 * 1024
HEARTBEAT_SECONDS: Final = 3.0
POLL_MILLISECONDS: Final = 300_000

At: TypeAlias = TopicPartition


class KafkaStream(RecordStream):
    """A member of `group` over `topics`, and of each partition that falls to it what lies behind `seek`.

    `RawRecord.stream` is `topic/partition`; `append_time` is the record's timestamp in microseconds, the broker's own
    under `message.timestamp.type=LogAppendTime`. `member` is a name of its own in the group that survives a restart:
    with it a worker gets its old partitions back. `observe` is told the lag about once a second, and each assignment.

    A slow step delays a rebalance by a third of its time; afterwards the group goes on without us, `commit` says False
    and the step is repeated by another member, with the same ids.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Sequence[str],
        group: str,
        observe: Observer,
        *,
        member: str = "",
        session_timeout_seconds: float = 45.0,
    ) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group = group
        self._observe = observe
        self._member = member
        self._session = session_timeout_seconds
        self._membership: Membership | None = None
        self._owned: dict[Partition, Bounds] = {}
        self._read: set[At] = set()
        self._still: dict[At, tuple[int, int]] = {}
        self._watched = 0.0

    @property
    def ended(self) -> bool:
        """See `RecordStream.ended`: a topic has no end."""
        return False

    @property
    def ends(self) -> Mapping[Partition, int]:
        """See `RecordStream.ends`."""
        return {at: max(bounds.end, self._highwater(_client(at))) for at, bounds in self._owned.items()}

    async def start(self) -> None:
        """See `RecordStream.start`; the group may refuse us later, at a `fetch`."""
        await self._open()

    async def fetch(self) -> Fetched:
        """See `RecordStream.fetch`; waits up to a fifth of a second. Joins anew by itself after an error."""
        membership = self._membership or await self._open()
        await asyncio.sleep(0)  # records that are already here would never let the heartbeat in
        with membership.resting():
            async with self._used("records"):
                if membership.moving:
                    await membership.change(LOOK_SECONDS)
                    self._check_patience(membership)
                    return Fetched()
                if membership.assigned is not None:
                    return await self._tell(membership, membership.assigned)
                return await self._take(membership)

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """See `RecordStream.seek`."""
        membership = self._membership
        if membership is None or membership.moving or membership.assigned is not None:
            return  # what the caller speaks of is no longer ours: the next fetch says what is
        for partition, offset in offsets.items():
            if partition in self._owned:
                at = _client(partition)
                membership.consumer.seek(at, offset)
                membership.consumer.resume(at)
                self._read.add(at)

    async def offset_at(self, partition: Partition, time: int) -> int:
        """See `RecordStream.offset_at`; the broker's times have milliseconds."""
        consumer = (self._membership or await self._open()).consumer
        at = _client(partition)
        async with self._used("offsets"):
            found = (await consumer.offsets_for_times({at: max(0, -(-time // 1000))}))[at]
            return int(found.offset if found is not None else (await consumer.end_offsets([at]))[at])

    async def commit(self, positions: Mapping[Partition, Position]) -> bool:
        """See `RecordStream.commit`."""
        for partition in positions:
            if partition.topic not in self._topics:
                raise InternalError(f"commit of group {self._group}: expected one of {self._topics}, found {partition}")
        if not positions:
            return True
        membership = self._membership
        if membership is None or not membership.current or not positions.keys() <= self._owned.keys():
            return False
        stored = {_client(at): (position.offset, position.note) for at, position in positions.items()}
        async with self._used("the commit acknowledged"):
            try:
                await membership.consumer.commit(stored)
            except (kafka_errors.CommitFailedError, kafka_errors.IllegalStateError):
                return False
        return membership.current  # a request that was sent again may have gone without our name

    async def close(self) -> None:
        """See `RecordStream.close`."""
        await self._discard()

    async def _open(self) -> Membership:
        known = await self._connection.topics()
        if gone := [topic for topic in self._topics if topic not in known]:
            raise ConfigError([missing(topic, self._connection.bootstrap) for topic in gone])
        consumer = AIOKafkaConsumer(
            **self._connection.arguments(self._member or "detector"),
            group_id=self._group,
            partition_assignment_strategy=(RendezvousAssignor,),
            session_timeout_ms=round(self._session * 1000),
            heartbeat_interval_ms=round(min(HEARTBEAT_SECONDS, self._session / 3) * 1000),
            rebalance_timeout_ms=round(REBALANCE_SECONDS * 1000),
            max_poll_interval_ms=POLL_MILLISECONDS,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=PARTITION_BYTES,
            check_crcs=True,
        )
        try:
            await self._connection.start(consumer)
        except BaseException:
            await abandon(consumer)
            raise
        membership = Membership(consumer)
        consumer.subscribe(list(self._topics), listener=membership)
        self._membership = membership
        return membership

    async def _discard(self) -> None:
        membership, self._membership = self._membership, None
        self._owned, self._read, self._still = {}, set(), {}
        if membership is not None:
            await membership.end()

    @asynccontextmanager
    async def _used(self, expected: str) -> AsyncIterator[None]:
        """A use of the consumer, in time; one that failed is not used again."""
        try:
            async with self._connection.answering(expected):
                yield
        except BaseException:
            await self._discard()
            raise

    async def _tell(self, membership: Membership, assigned: frozenset[At]) -> Fetched:
        """The partitions that are ours from now on, as the broker has them; nothing if they moved again meanwhile."""
        partitions, consumer = sorted(assigned), membership.consumer
        earliest = await consumer.beginning_offsets(partitions)
        latest = await consumer.end_offsets(partitions)
        committed = await membership.committed(partitions)
        if membership.assigned is not assigned:
            return Fetched()
        membership.tell()
        self._owned = {Partition(*at): Bounds(earliest[at], latest[at], committed.get(at)) for at in partitions}
        self._read, self._still = set(), {}
        numbers = {topic: [at.partition for at in partitions if at.topic == topic] for topic in self._topics}
        self._observe(Rebalanced(self._group, numbers, asyncio.get_running_loop().time() - membership.since))
        return Fetched(assignment=dict(self._owned))

    async def _take(self, membership: Membership) -> Fetched:
        """What has arrived. Asked without a timeout, `getmany` never waits, and so cannot outlast a rebalance."""
        consumer = membership.consumer
        try:
            found = await consumer.getmany(timeout_ms=0, max_records=MAX_RECORDS)
            drained = not found
            if drained:
                await membership.arrival(LOOK_SECONDS)
                if membership.moving:
                    return Fetched()
                found = await consumer.getmany(timeout_ms=0, max_records=MAX_RECORDS)
        except kafka_errors.OffsetOutOfRangeError as exc:
            await self._refuse(consumer, exc.args[0])
            raise
        await self._watch(consumer, drained=drained)
        if membership.moving:
            return Fetched()
        return Fetched({Partition(*at): [raw_record(at, raw) for raw in raws] for at, raws in found.items()})

    async def _refuse(self, consumer: Any, positions: Mapping[At, int]) -> None:
        """Raise ConfigError for records that are gone, saying which; return when the broker has them after all."""
        earliest = await consumer.beginning_offsets(list(positions))
        latest = await consumer.end_offsets(list(positions))
        for at, position in positions.items():
            bounds = Bounds(earliest[at], latest[at])
            check_retained(Partition(*at), position, bounds, "start again: the start says what accepts a gap")

    async def _watch(self, consumer: Any, *, drained: bool) -> None:
        """Tell the lag; of a partition that has long been quiet, find out whether nothing is there or nobody is."""
        now = asyncio.get_running_loop().time()
        if now - self._watched < WATCH_SECONDS:
            return
        self._watched = now
        assigned = consumer.assignment()
        # The client's positions, not ours: they also pass the markers of transactions, which are no records.
        positions = {at: await consumer.position(at) for at in sorted(self._read & assigned)}
        for topic in self._topics:
            waiting = {
                at.partition: max(0, self._highwater(at) - here) for at, here in positions.items() if at.topic == topic
            }
            self._observe(LagMeasured(self._group, topic, waiting))
        for at, here in positions.items():
            before, looks = self._still.get(at, (here, 0))
            self._still[at] = (here, looks + drained) if before == here else (here, 0)
        if quiet := [at for at, (_, looks) in self._still.items() if looks >= QUIET_LOOKS]:
            latest = await consumer.end_offsets(quiet)
            if behind := sum(latest[at] - positions[at] for at in quiet):
                raise StreamUnavailable(
                    f"kafka {self._connection.bootstrap}: expected {behind} records that wait in "
                    f"{', '.join(str(Partition(*at)) for at in quiet if latest[at] > positions[at])}, found none in "
                    f"{QUIET_LOOKS} looks; joining anew"
                )
            self._still.update({at: (positions[at], 0) for at in quiet})

    def _check_patience(self, membership: Membership) -> None:
        waited = asyncio.get_running_loop().time() - membership.since
        if membership.moving and waited > JOIN_SECONDS:
            raise StreamUnavailable(
                f"kafka {self._connection.bootstrap}: expected partitions of group {self._group}, found none in "
                f"{waited:.0f} s; joining anew (is the group's coordinator up, or a member of it stuck?)"
            )

    def _highwater(self, at: At) -> int:
        """The end of a partition as of its last answer; 0 while there was none."""
        if self._membership is None or at not in self._membership.consumer.assignment():
            return 0
        return self._membership.consumer.highwater(at) or 0


def _client(partition: Partition) -> At:
    return TopicPartition(partition.topic, partition.number)
