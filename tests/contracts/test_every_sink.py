"""What every sink promises, checked for every file of `detector/sinks/`.

The test of a sink, `tests/sinks/test_NAME.py`, brings its far end: `far_end(tmp_path)` opens one (see `FarEnd`), and
`refusing(tmp_path)` is a destination that cannot be used.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from detector import sinks
from detector.encoders.native import Native
from detector.errors import ConfigError, StreamUnavailable
from detector.registry import members
from detector.sinks.base import REFUSALS, Destination, Sink
from tests.alerts import alert

SINKS = members(sinks, Sink)


class FarEnd(Protocol):
    """Where a sink delivers to, and what has arrived there."""

    @property
    def destination(self) -> Destination: ...

    def received(self) -> list[bytes]: ...


@pytest.fixture(params=sorted(SINKS))
def sink_type(request: pytest.FixtureRequest) -> type[Sink]:
    return SINKS[request.param]


@pytest.fixture
def far_module(sink_type: type[Sink]) -> ModuleType:
    """The sink's own test module."""
    return importlib.import_module(f"tests.sinks.test_{sink_type.name}")


@pytest.fixture
async def far_end(far_module: ModuleType, tmp_path: Path) -> AsyncIterator[FarEnd]:
    async with far_module.far_end(tmp_path) as opened:
        yield opened


def test_there_are_sinks() -> None:
    assert {"ndjson_file", "webhook"} <= set(SINKS)
    assert all(sink.title and sink.batch >= 1 for sink in SINKS.values())


def test_every_reason_to_refuse_is_explained() -> None:
    assert all(REFUSALS.values())


async def test_alerts_have_arrived_in_order_when_deliver_returns(sink_type: type[Sink], far_end: FarEnd) -> None:
    sent = [alert(id=f"a{number}") for number in range(5)]

    async with sink_type(far_end.destination, Native()) as sink:
        await sink.deliver(sent[:3])
        assert [Native().decode(line) for line in far_end.received()] == sent[:3]
        await sink.deliver(sent[3:])

    assert [Native().decode(line) for line in far_end.received()] == sent


async def test_a_repeated_alert_arrives_with_the_same_bytes(sink_type: type[Sink], far_end: FarEnd) -> None:
    for _ in range(2):
        async with sink_type(far_end.destination, Native()) as sink:
            await sink.deliver([alert()])

    assert len(set(far_end.received())) == 1


async def test_nothing_to_deliver_is_fine(sink_type: type[Sink], far_end: FarEnd) -> None:
    async with sink_type(far_end.destination, Native()) as sink:
        await sink.deliver([])

    assert far_end.received() == []


async def test_closing_twice_and_closing_before_the_start_are_fine(sink_type: type[Sink], far_end: FarEnd) -> None:
    sink = sink_type(far_end.destination, Native())
    await sink.close()
    await sink.start()
    await sink.close()
    await sink.close()


async def test_a_destination_that_cannot_be_used_is_said_before_or_at_the_first_delivery(
    sink_type: type[Sink], far_module: ModuleType, tmp_path: Path
) -> None:
    sink = sink_type(far_module.refusing(tmp_path), Native())

    with pytest.raises((ConfigError, StreamUnavailable)):  # noqa: PT012 - a sink may connect only when it has to
        await sink.start()
        await sink.deliver([alert()])
    await sink.close()


def test_a_destination_shows_neither_its_target_nor_its_secrets() -> None:
    shown = repr(Destination("soc", "https://soc.example/T0KEN", ("whsec_S3CRET",)))

    assert "soc" in shown
    assert "T0KEN" not in shown
    assert "S3CRET" not in shown
