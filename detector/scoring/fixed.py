"""Fixed point: nats in 1/1024, hour cells in 1/64, and the integer tables that decay them.

Sums of floats depend on how a stream was cut into batches (measured: they differ); sums of integers do not. Element
by element, `+ - * /` on float64 are exact to the last bit everywhere, but vectorised logarithms are not, so `nats`
takes its logarithm from a table.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import I64

NAT: Final = 1024  # quanta in one nat
CELL: Final = 64  # units in one hour cell
HALF_LIFE_DAYS: Final = 14

_MANTISSA_BITS: Final = 13
_LOG_MANTISSA: Final[I64] = np.array(
    [round(math.log(0.5 + (i + 0.5) / (1 << _MANTISSA_BITS) / 2) * NAT) for i in range(1 << _MANTISSA_BITS)], np.int64
)
_LOG_EXPONENT: Final[I64] = np.array([round(e * math.log(2) * NAT) for e in range(-1100, 1101)], np.int64)
DECAY: Final[I64] = np.array([round(65536 * 2.0 ** (-day / HALF_LIFE_DAYS)) for day in range(256)], np.int64)
# What is left after a number of hours modulo 2**16; those from 2**15 on are before the last hour used.
_LEFT: Final[I64] = DECAY[np.where(np.arange(1 << 16) < 1 << 15, np.minimum(np.arange(1 << 16) // 24, 255), 0)]


def nats(x: NDArray[np.float64]) -> I64:
    """int64[n]: natural logarithm of positive `x`, in 1/1024 nat, the same on every machine and in every batch."""
    mantissa, exponent = np.frexp(x)
    index = ((mantissa - 0.5) * (2 << _MANTISSA_BITS)).astype(np.int64)
    found: I64 = _LOG_MANTISSA[index] + _LOG_EXPONENT[exponent.astype(np.int64) + 1100]
    return found


def elapsed_hours(now: I64, then: I64) -> I64:
    """int64[n]: hours from `then` to `now`, both modulo 2**16 (7.5 years); negative when `then` is later."""
    signed: I64 = ((now - then + 0x8000) & 0xFFFF) - 0x8000
    return signed


def decayed(count: I64, hour: I64, now: I64) -> I64:
    """int64[n]: hour cells (1/64) as of `now`, halved every 14 days in whole days, never growing backwards in time."""
    left: I64 = (count * _LEFT[(now - hour) & 0xFFFF]) >> 16
    return left
