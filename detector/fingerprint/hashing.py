"""Keys: 64-bit mixing of column hashes, and the base-32 ids of incidents."""

from __future__ import annotations

import base64
import hashlib

import numpy as np

from detector.domain import U64, Bool

# Arrays, not scalars: epochs of a few rows are common, and NumPy takes half the time to meet an array.
_GOLDEN, _FIRST, _SECOND, _S30, _S27, _S31 = (
    np.array(constant, np.uint64)
    for constant in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 30, 27, 31)
)


def mix(left: U64, right: U64 | int) -> U64:
    """uint64[n]: a well-mixed key of an ordered pair (the finaliser of SplitMix64; Steele, Lea and Flood 2014).

    Arithmetic wraps, so at least one argument must be an array (NumPy warns about wrapping scalars only).
    """
    z: U64 = left * _GOLDEN + np.asarray(right, np.uint64)
    z ^= z >> _S30
    z *= _FIRST
    z ^= z >> _S27
    z *= _SECOND
    z ^= z >> _S31
    return z


def among(keys: U64, few: U64) -> Bool:
    """bool[n]: whether each key is one of `few`, which are often none."""
    return np.isin(keys, few) if len(few) else np.zeros(len(keys), np.bool_)


def short_id(*parts: object) -> str:
    """Lower-case base-32 of the SHA-256 of length-prefixed parts: 26 characters (130 bits), safe in any context."""
    digest = hashlib.sha256()
    for part in parts:
        raw = str(part).encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return base64.b32encode(digest.digest()).decode("ascii").lower()[:26]
