"""ingest and detect joined in one process: nothing of the path is left out, and nothing is done otherwise."""

from __future__ import annotations

import asyncio

import pytest

from detector.alert import decode, encode
from detector.control import Feedback
from detector.control import encode as said
from detector.domain import SECOND, StringTable, UseBatch, UseRow
from detector.errors import ConfigError
from detector.routing import Router
from detector.runtime.embedded import Embedded, memory_broker
from detector.runtime.signals import Stop
from detector.settings import Kafka, RawTopic, Settings
from detector.simulate.demo.fleet import fleet
from detector.stream.base import Partition
from detector.stream.memory import MemoryBroker
from detector.telemetry import events
from detector.telemetry.http import Healths
from tests.runtime.world import NOW, World, kafka

ACCOUNTS = ("111122223333", "444455556666")  # of the fleet


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    return fleet(1, days=2, events_per_day=1_000).records


def filled(values: list[bytes], *, raw: int = 1, uses: int = 1, verdict: Feedback | None = None) -> MemoryBroker:
    """A broker whose topics hold these records, in turn over the raw partitions, and get no more."""
    broker = memory_broker(kafka(), raw=raw, uses=uses)
    for at, value in enumerate(values):
        broker.append(Partition("raw", at % raw), value, round(NOW * SECOND) + at)
    if verdict is not None:
        broker.append(Partition("control", 0), said(verdict), round(NOW * SECOND) + len(values))
    broker.seal("raw")
    broker.seal("control")
    return broker


def nobody(_: events.Event) -> None:
    """Nobody listens."""


def embedded(broker: MemoryBroker, observe: events.Observer = nobody, settings: Settings | None = None) -> Embedded:
    return Embedded(settings or kafka(), broker, observe, Healths(), clock=lambda: NOW)


def alerts(broker: MemoryBroker) -> list[bytes]:
    return [record.value for record in broker.logs[Partition("alerts", 0)]]


def test_a_broker_has_every_topic_of_the_settings() -> None:
    settings = Settings(kafka=Kafka(raw={"one": RawTopic(), "other": RawTopic()}, uses="rows", alerts="told"))
    broker = memory_broker(settings, raw=3, uses=2)
    counts = {topic: broker.count(topic) for topic in {partition.topic for partition in broker.logs}}
    assert counts == {"one": 3, "other": 3, "rows": 2, "told": 1, "control": 1, "dead-letters": 1}


async def test_it_says_what_the_roles_say_one_after_the_other(values: list[bytes]) -> None:
    world = World()
    world.broker = filled(values)
    await world.ingest()
    await world.detect()
    broker = filled(values)
    await embedded(broker).run(Stop())
    assert alerts(broker) == [encode(alert) for alert in world.alerts]
    assert len(alerts(broker)) > 2, "a log without alerts would prove nothing"


async def test_it_ends_when_everything_is_decided_and_committed(values: list[bytes]) -> None:
    told: list[events.Event] = []
    broker = filled(values, raw=2, uses=3)
    await embedded(broker, told.append).run(Stop())
    logs = broker.logs
    assert {at: position.offset for (_, at), position in broker.committed.items() if len(logs[at])} == {
        at: len(log) for at, log in logs.items() if at.topic in {"raw", "uses"} and len(log)
    }
    assert told[-1] == events.Stopped("end of stream")


async def test_its_shards_are_those_of_the_partitions_in_order(values: list[bytes]) -> None:
    whole, parts = filled(values), filled(values, uses=3)
    one, several = embedded(whole), embedded(parts)
    await one.run(Stop())
    await several.run(Stop())
    (shard,) = one.pipelines
    assert len(several.pipelines) == 3
    assert sum(part.principals for part in several.pipelines) == shard.principals > 0
    router = Router(3)
    homes = router.partitions(UseBatch.from_rows([UseRow("", "", 0, realm=realm) for realm in ACCOUNTS], StringTable()))
    assert {number for number, part in enumerate(several.pipelines) if part.counts.rows} == set(homes.tolist())


async def test_a_control_record_is_obeyed_where_it_stands(values: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.runtime.embedded.FETCH", 100_000)  # one fetch: its rows are put in order
    plain = filled(values)
    await embedded(plain).run(Stop())
    incident = decode(alerts(plain)[0]).incident_id
    verdict = Feedback(time="2026-01-09T00:00:00Z", incident_id=incident, verdict="benign", reason="seen", author="ann")
    judged = filled(values, verdict=verdict)
    service = embedded(judged)
    await service.run(Stop())
    assert service.pipelines[0].counts.controls == 1
    assert alerts(judged)[:-1] == alerts(plain)
    last = decode(alerts(judged)[-1])
    assert (last.incident_id, last.status, last.verdict) == (incident, "closed", "benign")


async def test_a_stop_ends_it_though_more_may_come(values: list[bytes]) -> None:
    broker, stop, loop = memory_broker(kafka()), Stop(), asyncio.get_running_loop()
    for value in values[:100]:
        broker.append(Partition("raw", 0), value)

    def observe(event: events.Event) -> None:
        if isinstance(event, events.BatchProcessed):  # told by the thread that decides
            loop.call_soon_threadsafe(stop.request, "test")

    async with asyncio.timeout(30):
        await embedded(broker, observe).run(stop)
    assert stop.reason == "test"


async def test_what_no_retry_heals_ends_it_as_itself(values: list[bytes]) -> None:
    settings = Settings(kafka=Kafka(raw={"raw": RawTopic(start="yesterday")}))
    with pytest.raises(ConfigError, match=r"kafka\.raw\.raw\.start"):
        await embedded(filled(values[:5]), settings=settings).run(Stop())
