"""Does the simulator give its thieves away? Checks that must find nothing, so that recall means something.

A column leaks when it tells malicious uses from benign ones of *another* tenant: what a thief's address, tool, action
or id looks like in general, not what is new to a principal. Values are weighed on half of the tenants and tried on the
others, benign uses weighted so that credential kind and hour of day are as among the malicious ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.domain import HOUR, SECOND, Bool, Texts, UseBatch
from detector.fingerprint.facets import Fingerprinter
from detector.training.decoded import Decoded
from detector.training.ground import Ground
from detector.training.points import BENIGN, F64

LIMIT: Final = 0.60  # area under the curve from which on a column by itself separates too well
_DOUBT: Final = 2.0  # pseudo-count of a value's weight: a value seen once says little

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Raw values of scored uses of several tenants. `half` tells the two halves of the tenants apart."""

    values: Mapping[str, Texts]
    malicious: Bool
    stratum: Texts
    half: Bool

    @classmethod
    def of(cls, tenants: Sequence[tuple[Decoded, Ground]]) -> Columns:
        """The columns of tenants, in their order: even ones are one half, odd ones the other."""
        parts = [_columns(decoded) for decoded, _ in tenants]
        stolen = [ground.theft != BENIGN for _, ground in tenants]
        values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        half = np.concatenate([np.full(len(one), at % 2 == 1) for at, one in enumerate(stolen)])
        return cls(values, np.concatenate(stolen), values.pop("stratum"), half)


def _columns(decoded: Decoded) -> dict[str, Texts]:
    """Text columns of the scored rows, as a log shows them."""
    facets = Fingerprinter().facets(decoded.batch)
    batch = decoded.batch.take(np.flatnonzero(facets.scored))
    texts = np.array(batch.strings.texts, object)
    rows = facets.scored
    hour = (batch.time // HOUR) % 24
    found: dict[str, Texts] = {
        "network": _words(texts[batch.address], _network),
        "host": _words(texts[batch.address], lambda text: text.rpartition(".")[2] if "." in text else ""),
        "prefix": texts[facets.prefix_code[rows]],
        "client": texts[batch.client],
        "family": texts[facets.family_code[rows]],
        "action": texts[batch.action],
        "resource": texts[batch.resource],
        "region": texts[batch.region],
        "channel": _words(texts[batch.channel], lambda text: text.partition(":")[0]),
        "outcome": batch.outcome.astype(object),
        "error": texts[batch.error],
        "second": ((batch.time // SECOND) % 60).astype(object),
        "minute": (batch.time // (60 * SECOND) % 60).astype(object),
        "microsecond": (batch.time % SECOND == 0).astype(object),
        "weekday": (batch.time // (24 * HOUR) % 7).astype(object),
        "id": _words(batch.native_id, lambda text: text[:1]),
        "id length": _words(batch.native_id, len),
        "delay": _delay(batch),
        "activity": batch.activity.astype(object),
        "credential length": _words(texts[batch.credential], len),
        "session shape": _words(texts[batch.session], _shape),
    }
    pairs = zip(batch.kind.tolist(), hour.tolist(), strict=True)
    found["stratum"] = np.fromiter((f"{kind} {at}" for kind, at in pairs), object, len(batch))
    return found


def _words(texts: Texts, of: Callable[[str], object]) -> Texts:
    return np.fromiter((of(text) for text in texts.tolist()), object, len(texts))


def _codes(values: Texts) -> Codes:
    """int64[n]: values as numbers from 0 on, in order of appearance."""
    known: dict[object, int] = {}
    return np.fromiter((known.setdefault(value, len(known)) for value in values.tolist()), np.int64, len(values))


def _network(address: str) -> str:
    """Whose range an address may be of, as coarse as one can say: the /8, or the /32 of IPv6."""
    return ":".join(address.split(":")[:2]) if ":" in address else address.partition(".")[0]


def _shape(text: str) -> str:
    """Digits as 9, letters as a, runs as one: `i-0123abcd` → `a-9a`."""
    classes = ["9" if char.isdigit() else "a" if char.isalpha() else char for char in text[:64]]
    return "".join(char for at, char in enumerate(classes) if not at or classes[at - 1] != char)


def _delay(batch: UseBatch) -> Texts:
    seconds = np.maximum(1, (batch.append_time - batch.time) // SECOND)
    steps: Texts = np.floor(2 * np.log2(seconds)).astype(np.int64).astype(object)
    return steps


def separations(columns: Columns) -> dict[str, float]:
    """Column → area under the curve with which it tells malicious from benign uses of tenants it was not weighed on."""
    weight = _matched(columns)
    found = {}
    for name, values in columns.values.items():
        codes = _codes(values)
        areas = [
            area(_weighed(codes, columns.malicious, weight, learn)[~learn], columns.malicious[~learn], weight[~learn])
            for learn in (columns.half, ~columns.half)
        ]
        found[name] = float(np.mean(areas))
    return found


def _matched(columns: Columns) -> F64:
    """float64[n]: 1 for malicious uses, and benign uses weighted so that strata count as much as among those."""
    stratum = _codes(columns.stratum)
    stolen = np.bincount(stratum, columns.malicious)
    benign = np.bincount(stratum, ~columns.malicious)
    weight: F64 = np.where(columns.malicious, 1.0, stolen[stratum] / np.maximum(1, benign[stratum]))
    return weight


def _weighed(codes: Codes, malicious: Bool, weight: F64, learn: Bool) -> F64:
    """float64[n]: how much a use's value speaks for theft among the uses in `learn`; 0 where it was not met there."""
    size = int(codes.max(initial=0)) + 1
    stolen = np.bincount(codes[learn & malicious], weight[learn & malicious], size)
    benign = np.bincount(codes[learn & ~malicious], weight[learn & ~malicious], size)
    speaks: F64 = np.log((stolen + _DOUBT) / (benign + _DOUBT))
    return speaks[codes]


def area(score: F64, positive: Bool, weight: F64) -> float:
    """Area under the ROC curve, weighted, ties counted half (Mann and Whitney); 0.5 when a class is empty."""
    if not positive.any() or positive.all():
        return 0.5
    _, level = np.unique(score, return_inverse=True)
    above = np.bincount(level, weight * positive)
    below = np.bincount(level, weight * ~positive)
    lower = np.cumsum(below) - below
    return float((above * (lower + below / 2)).sum() / max(1e-12, above.sum() * below.sum()))


def only_thieves(columns: Columns, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Column → values that malicious uses have and no benign use has, with their number of uses."""
    found = {}
    for name in names:
        values = columns.values[name]
        benign = set(values[~columns.malicious].tolist())
        found[name] = dict(
            Counter(str(value) for value in values[columns.malicious].tolist() if value not in benign).most_common()
        )
    return found


def shared_credentials(first: Iterable[Decoded], second: Iterable[Decoded]) -> set[str]:
    """Credentials that occur in both: splits must share none."""

    def credentials(tenants: Iterable[Decoded]) -> set[str]:
        return {one.batch.strings.texts[code] for one in tenants for code in np.unique(one.batch.credential).tolist()}

    return (credentials(first) & credentials(second)) - {""}
