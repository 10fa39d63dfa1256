"""An empty simulated week for tests that let one kind of workload live in it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detector.simulate.cloudtrail import Call
from detector.simulate.fleet import START
from detector.simulate.world import DAY, World


def empty_world(seed: int = 1, days: int = 7) -> World:
    return World(np.random.default_rng(seed), START, START + days * DAY)


def identity(call: Call) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(call.identity.json)
    return parsed
