from __future__ import annotations

import asyncio
import os
import signal

import pytest

from detector.runtime.signals import Stop, on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_for_a_stop_and_gives_its_name(number: signal.Signals) -> None:
    stop = Stop()
    with on_signals(stop):
        assert not stop.requested
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 5)
    assert stop.reason == number.name


async def test_a_second_signal_is_not_caught() -> None:
    stop = Stop()
    with on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_the_first_reason_stays() -> None:
    stop = Stop()
    stop.request("SIGTERM")
    stop.request("end of stream")
    assert stop.reason == "SIGTERM"


async def test_signals_are_let_go_at_the_end_of_the_block() -> None:
    with on_signals(Stop()):
        pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
