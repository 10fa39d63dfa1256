"""Keys: 64-bit mixing of column hashes, and the base-32 ids of incidents."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import numpy as np

from detector.domain import U64

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mix(left: U64, right: U64 | int) -> U64:
    """uint64[n]: a well-mixed key of an ordered pair (the finaliser of SplitMix64; Steele, Lea and Flood 2014).

    Arithmetic wraps, so at least one argument must be an array (NumPy warns about wrapping scalars only).
    """
    z = left * _GOLDEN + np.asarray(right, np.uint64)
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


def short_id(*parts: object) -> str:
    """Lower-case base-32 of the SHA-256 of length-prefixed parts: 26 characters (130 bits), safe in any context."""
    digest = hashlib.sha256()
    for part in parts:
        raw = str(part).encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return base64.b32encode(digest.digest()).decode("ascii").lower()[:26]
