"""An empty simulated week for tests that let one kind of workload live in it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detector.simulate.call import Call
from detector.simulate.demo.world import DemoWorld
from detector.simulate.formats.cloudtrail import Identity
from detector.simulate.world import DAY, START


def empty_world(seed: int = 1, days: int = 7) -> DemoWorld:
    return DemoWorld(np.random.default_rng(seed), START, START + days * DAY)


def aws(call: Call) -> Identity:
    assert isinstance(call.caller, Identity)
    return call.caller


def identity(call: Call) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(aws(call).json)
    return parsed
