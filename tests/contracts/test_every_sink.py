"""What every sink promises, checked for every file of `detector/sinks/`.

The test of a sink, `tests/sinks/test_NAME.py`, says how to look at its far end: `target(tmp_path)` a destination,
`received(target)` the messages that arrived there, `refusing(tmp_path)` a destination that cannot be used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from detector import sinks
from detector.encoders.native import Native
from detector.errors import ConfigError, StreamUnavailable
from detector.registry import members
from detector.sinks.base import Sink
from tests.alerts import alert

SINKS = members(sinks, Sink)


@pytest.fixture(params=sorted(SINKS))
def sink_type(request: pytest.FixtureRequest) -> type[Sink]:
    return SINKS[request.param]


@pytest.fixture
def far_end(sink_type: type[Sink]) -> ModuleType:
    """The sink's own test module."""
    return importlib.import_module(f"tests.sinks.test_{sink_type.name}")


def test_there_are_sinks() -> None:
    assert "ndjson_file" in SINKS
    assert all(sink.title for sink in SINKS.values())


async def test_alerts_have_arrived_in_order_when_deliver_returns(
    sink_type: type[Sink], far_end: ModuleType, tmp_path: Path
) -> None:
    target = far_end.target(tmp_path)
    sent = [alert(id=f"a{number}") for number in range(5)]

    async with sink_type(target, Native()) as sink:
        await sink.deliver(sent[:3])
        assert [Native().decode(line) for line in far_end.received(target)] == sent[:3]
        await sink.deliver(sent[3:])

    assert [Native().decode(line) for line in far_end.received(target)] == sent


async def test_a_repeated_alert_arrives_with_the_same_bytes(
    sink_type: type[Sink], far_end: ModuleType, tmp_path: Path
) -> None:
    target = far_end.target(tmp_path)

    for _ in range(2):
        async with sink_type(target, Native()) as sink:
            await sink.deliver([alert()])

    assert len(set(far_end.received(target))) == 1


async def test_nothing_to_deliver_is_fine(sink_type: type[Sink], far_end: ModuleType, tmp_path: Path) -> None:
    target = far_end.target(tmp_path)

    async with sink_type(target, Native()) as sink:
        await sink.deliver([])

    assert far_end.received(target) == []


async def test_closing_twice_and_closing_before_the_start_are_fine(
    sink_type: type[Sink], far_end: ModuleType, tmp_path: Path
) -> None:
    sink = sink_type(far_end.target(tmp_path), Native())
    await sink.close()
    await sink.start()
    await sink.close()
    await sink.close()


async def test_a_destination_that_cannot_be_used_is_said_before_or_at_the_first_delivery(
    sink_type: type[Sink], far_end: ModuleType, tmp_path: Path
) -> None:
    sink = sink_type(far_end.refusing(tmp_path), Native())

    with pytest.raises((ConfigError, StreamUnavailable)):  # noqa: PT012 - a sink may connect only when it has to
        await sink.start()
        await sink.deliver([alert()])
    await sink.close()
