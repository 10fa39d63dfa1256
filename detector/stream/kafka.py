"""The only door to Kafka: a typed façade over aiokafka 0.14 with the few semantics that the detector needs.

One process reads every partition of the raw topic, assigned by hand, and commits for a group id without being its
member. A start reads from the earliest retained offset and the service stays silent below the committed one. The
pitfalls of aiokafka that this path can meet, and why they cannot bite here:

* `getmany` cancelled mid-wait breaks the fetcher's liveness for good → it is only ever called with `timeout_ms`,
  never under a timeout or in a task that is cancelled while the consumer lives on.
* `getmany` can outlast its timeout during a rebalance, and assigned callbacks starve heartbeats → no subscription:
  partitions are assigned by hand, there is no membership, no heartbeat, no rebalance and no callback.
* `auto_offset_reset` skips data silently → it is `none`; the first position is our own `seek`, and a position that is
  gone (retention, truncation) is a ConfigError, at the start and while running.
* A consumer can fall silent while records wait (#1037) → after `QUIET_SECONDS` without one the broker is
  asked for the end of the topic, and the consumer is rebuilt if it is not there.
* A deserialiser or a corrupt batch that raises leaves the position where it was, for ever → no deserialisers; after
  any error the consumer is rebuilt at the position after the last record handed out, and the failure is reported.
* An idempotent producer that lost a batch refuses all later ones (#1017) and error codes it does not know never heal
  → after any failed or late acknowledgement the producer is discarded; its batch is written again with the same ids.
* `send` only queues, and an idempotent producer retries without end → every delivery future is awaited, under a
  timeout, before `write` returns.
* `stop` may block when brokers are gone, or leak the cancellation of a fetch that is backing off (then it also leaves
  its connections) → it runs in a task of its own, bounded, and what it leaves is closed; it never makes data safe.
* Metadata requests may create a missing topic → topics are looked up by listing all, which creates none.
* The library asserts for its own correctness → never run under `python -O`.
* Offsets of a group without members expire (7 days after the last commit by default) and a coordinator that moves may
  answer "none" → the replay is then not silent: old alerts are written again with the same ids. Never the reverse.
* Two processes with one group are not fenced from each other → both write the same alerts with the same ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient

from detector.decode import RawRecord
from detector.errors import ConfigError, InternalError, StreamUnavailable
from detector.stream.base import AlertWriter, OutgoingAlert, RecordStream
from detector.stream.refusals import check_addresses, check_position
from detector.telemetry.events import LagMeasured, Observer

ANSWER_SECONDS: Final = 15.0
ACKNOWLEDGE_SECONDS: Final = 15.0
STOP_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 10.0
LAG_SECONDS: Final = 1.0
FETCH_MILLISECONDS: Final = 200
MAX_RECORDS: Final = 4096
REQUEST_MILLISECONDS: Final = 10_000
MAX_REQUEST_BYTES: Final = 1_000_000  # below the default limit of a topic, so that we refuse and not the broker

REFUSALS: Final = (
    kafka_errors.AuthenticationFailedError,
    kafka_errors.AuthenticationMethodNotSupported,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.IncompatibleBrokerVersion,
    kafka_errors.InvalidGroupIdError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.UnsupportedVersionError,
)

Result = TypeVar("Result")
Offsets: TypeAlias = dict[TopicPartition, int]


class KafkaStream(RecordStream):
    """Every partition of one raw topic, from its earliest retained record.

    `RawRecord.stream` is `topic/partition`; `append_time` is the record's timestamp in microseconds, the broker's
    own under `message.timestamp.type=LogAppendTime`. `observe` is told the lag about once a second.
    """

    def __init__(self, bootstrap: str, topic: str, group: str, observe: Observer) -> None:
        self._bootstrap = check_addresses(bootstrap)
        self._topic = topic
        self._group = group
        self._observe = observe
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._first: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._heard = 0.0
        self._lag_told = 0.0

    @property
    def partitions(self) -> int:
        """How many partitions the raw topic had at the start."""
        return len(self._next)

    @property
    def ended(self) -> bool:
        """Never: a topic has no end."""
        return False

    @property
    def first(self) -> Mapping[int, int]:
        """As promised by `RecordStream`: the earliest retained offsets at the start."""
        return self._first

    @property
    def committed(self) -> Mapping[int, int]:
        """As promised by `RecordStream`."""
        return self._committed

    async def start(self) -> None:
        """As promised by `RecordStream`; a gap behind the committed offset is a ConfigError."""
        numbers = await _partitions(self._bootstrap, self._topic, "kafka.raw_topic")
        self._next = {TopicPartition(self._topic, number): 0 for number in numbers}
        async with self._opening() as consumer, _answering(self._bootstrap, "offsets", ANSWER_SECONDS):
            earliest, latest = await _bounds(consumer, list(self._next))
            for partition in self._next:
                committed = await consumer.committed(partition)
                if committed is not None:
                    self._check(partition, committed, earliest, latest)
                    self._committed[partition.partition] = committed
                self._next[partition] = self._first[partition.partition] = earliest[partition]
                consumer.seek(partition, earliest[partition])

    async def fetch(self) -> list[RawRecord]:
        """As promised by `RecordStream`; waits up to a fifth of a second. Reconnects by itself after an error."""
        consumer = self._consumer or await self._reopen()
        try:
            found = await consumer.getmany(timeout_ms=FETCH_MILLISECONDS, max_records=MAX_RECORDS)
        except kafka_errors.OffsetOutOfRangeError as exc:
            raise ConfigError(
                f"kafka topic {self._topic}: expected the records from {self._positions()} on, found them deleted by "
                "retention before they were read; keep raw records longer, then restart to go on from what is left"
            ) from exc
        except (kafka_errors.KafkaError, OSError) as exc:
            await self._discard()
            raise _translated(exc, self._bootstrap, "records") from exc
        records = [_record(self._topic, partition.partition, raw) for partition, raws in found.items() for raw in raws]
        for partition, raws in found.items():
            self._next[partition] = raws[-1].offset + 1
        await self._watch(consumer, moved=bool(records))
        return records

    async def commit(self, next_offsets: Mapping[int, int]) -> None:
        """As promised by `RecordStream`."""
        for number, offset in next_offsets.items():
            if TopicPartition(self._topic, number) not in self._next or offset < self._committed.get(number, 0):
                raise InternalError(
                    f"commit of {self._topic}/{number}: expected a partition of ours and an offset from "
                    f"{self._committed.get(number, 0)} on, found {offset}"
                )
        consumer = self._consumer or await self._reopen()
        positions = {TopicPartition(self._topic, number): offset for number, offset in next_offsets.items()}
        await self._asked(consumer.commit(positions), "the commit acknowledged")
        self._committed.update(next_offsets)

    async def close(self) -> None:
        """As promised by `RecordStream`."""
        await self._discard()

    async def _reopen(self) -> AIOKafkaConsumer:
        """A new consumer where the last one stopped."""
        async with self._opening() as consumer, _answering(self._bootstrap, "offsets", ANSWER_SECONDS):
            earliest, latest = await _bounds(consumer, list(self._next))
            for partition, position in self._next.items():
                self._check(partition, position, earliest, latest)
                consumer.seek(partition, position)
        return consumer

    @asynccontextmanager
    async def _opening(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A started and assigned consumer, kept if the block succeeds and stopped if it does not."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            client_id="detector",
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=REQUEST_MILLISECONDS,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            check_crcs=True,
        )
        try:
            with _unheard():
                async with _answering(self._bootstrap, "a broker", ANSWER_SECONDS):
                    await consumer.start()
            consumer.assign(list(self._next))
            yield consumer
        except BaseException:
            await _stop(consumer)
            raise
        self._consumer = consumer
        self._heard = asyncio.get_running_loop().time()

    async def _discard(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)

    async def _watch(self, consumer: AIOKafkaConsumer, *, moved: bool) -> None:
        """Tell the lag; when nothing has come for a while, find out whether nothing is there or nobody is."""
        now = asyncio.get_running_loop().time()
        # The client's position, not ours: it also passes the markers of transactions, which are no records.
        positions = {at: await consumer.position(at) for at in self._next}
        if now - self._lag_told >= LAG_SECONDS:
            self._lag_told = now
            waiting = {at.partition: max(0, (consumer.highwater(at) or 0) - here) for at, here in positions.items()}
            self._observe(LagMeasured(self._topic, waiting))
        if moved:
            self._heard = now
        elif now - self._heard >= QUIET_SECONDS:
            ends = await self._asked(consumer.end_offsets(list(positions)), "the end of the topic")
            if behind := sum(ends[at] - here for at, here in positions.items()):
                await self._discard()
                raise StreamUnavailable(
                    f"kafka {self._bootstrap}: expected {behind} records of {self._topic} that wait, found none for "
                    f"{QUIET_SECONDS:.0f} s; reconnecting"
                )
            self._heard = now

    async def _asked(self, answer: Awaitable[Result], expected: str) -> Result:
        """An answer of the broker, in time; a consumer that does not get it is not used again."""
        try:
            async with _answering(self._bootstrap, expected, ANSWER_SECONDS):
                return await answer
        except BaseException:
            await self._discard()
            raise

    def _check(self, at: TopicPartition, position: int, earliest: Offsets, latest: Offsets) -> None:
        place = f"{at.topic}/{at.partition}"
        check_position(place, position, earliest=earliest[at], latest=latest[at], group=self._group)

    def _positions(self) -> str:
        return ", ".join(f"{at.topic}/{at.partition} offset {position}" for at, position in self._next.items())


class KafkaAlertWriter(AlertWriter):
    """The alerts topic: idempotent, acknowledged by all in-sync replicas, keyed by incident."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = check_addresses(bootstrap)
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """As promised by `AlertWriter`."""
        await _partitions(self._bootstrap, self._topic, "kafka.alerts_topic")
        await self._open()

    async def write(self, lines: Sequence[OutgoingAlert]) -> None:
        """As promised by `AlertWriter`. ConfigError when the broker refuses for good: size or rights."""
        if not lines:
            return
        producer = self._producer or await self._open()
        futures: list[asyncio.Future[Any]] = []
        try:
            async with _answering(self._bootstrap, "alerts acknowledged", ACKNOWLEDGE_SECONDS):
                for line in lines:  # one by one: what was queued before a failure must be known after it
                    futures.append(  # noqa: PERF401 - as above
                        await producer.send(self._topic, line.value, key=line.key, headers=list(line.headers))
                    )
                await asyncio.gather(*futures)
        except BaseException:
            _forget(futures)
            await self.close()  # its sequence numbers may be broken: only a new producer is known to be sound
            raise

    async def close(self) -> None:
        """As promised by `AlertWriter`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _open(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="detector",
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            request_timeout_ms=REQUEST_MILLISECONDS,
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=256 * 1024,
        )
        try:
            with _unheard():
                async with _answering(self._bootstrap, "a broker", ANSWER_SECONDS):
                    await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        self._producer = producer
        return producer


def _record(topic: str, partition: int, raw: Any) -> RawRecord:
    append_time = raw.timestamp * 1000 if raw.timestamp > 0 else 0
    return RawRecord(raw.value or b"", f"{topic}/{partition}", raw.offset, partition, append_time)


async def _partitions(bootstrap: str, topic: str, setting: str) -> list[int]:
    """Partition numbers of a topic, in order. Raises ConfigError when it is not there."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, client_id="detector", request_timeout_ms=REQUEST_MILLISECONDS
    )
    try:
        with _unheard():
            async with _answering(bootstrap, "a broker", ANSWER_SECONDS):
                await admin.start()
                topics = await admin.describe_topics()
    finally:
        await _ended(admin.close())
    for found in topics:
        if found["topic"] == topic and found["partitions"]:
            return sorted(part["partition"] for part in found["partitions"])
    raise ConfigError(
        f"{setting}: expected a topic that exists and may be read, found no topic {topic!r} at {bootstrap}; "
        f"create it or name another"
    )


async def _bounds(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> tuple[Offsets, Offsets]:
    """Per partition the earliest retained offset and the one the next record will get."""
    return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep aiokafka from logging a failed connection: we raise it, and one report is enough."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@asynccontextmanager
async def _answering(bootstrap: str, expected: str, seconds: float) -> AsyncIterator[None]:
    """Bound a conversation with the broker and translate what goes wrong into our errors."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (kafka_errors.KafkaError, OSError, TimeoutError) as exc:
        raise _translated(exc, bootstrap, expected) from exc


def _translated(exc: Exception, bootstrap: str, expected: str) -> ConfigError | StreamUnavailable:
    """What the broker said, or did not say, as an error of ours."""
    silent = isinstance(exc, (TimeoutError, kafka_errors.KafkaConnectionError, kafka_errors.NodeNotReadyError))
    found = "no answer" if silent else f"{type(exc).__name__}: {exc}"[:300]
    if isinstance(exc, REFUSALS):
        return ConfigError(f"kafka {bootstrap}: expected {expected}, found {found}; check rights and limits")
    return StreamUnavailable(f"kafka {bootstrap}: expected {expected}, found {found}; is the broker up and reachable?")


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """End a client, whatever state it is in; what its own `stop` leaves alive is ended part by part."""
    if not await _ended(client.stop()):
        left = (client._client,) if isinstance(client, AIOKafkaConsumer) else (client._sender, client.client)  # noqa: SLF001
        for part in left:
            await _ended(part.close())


async def _ended(ending: Coroutine[Any, Any, None]) -> bool:
    """Whether it ended in order and in time. In a task of its own: a cancellation it leaks must not look like ours."""
    task = asyncio.create_task(ending, name="end of a Kafka client")
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    task.cancel()
    return task.done() and not task.cancelled() and task.exception() is None


def _forget(futures: Sequence[asyncio.Future[Any]]) -> None:
    """Take note of every outcome, so that none is reported as never retrieved."""
    for future in futures:
        if future.done():
            if not future.cancelled():
                future.exception()
        else:
            future.cancel()
