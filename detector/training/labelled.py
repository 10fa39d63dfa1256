"""Labelled records by themselves: what a detector of credential use could know of them, and what fires.

Published detonations have no history: one credential, one origin, seconds. So of each case is said first whether there
is anything to know, by rules that look at the records and never at what the detector says:

| word | an attack's record is knowable where |
|---|---|
| history | its principal has a record that is no attack's, a day or more before |
| end | its credential is stated to be revoked or expired by then |
| binding | its credential belongs to one running workload, and is shown from two addresses |
| refusals | its principal is refused five different requests within an hour |

A single sensitive call by a key that nobody has met is none of these: rules on API names find it, novelty can't.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from detector.domain import DAY, HOUR, KINDS, Activity, Bool, Outcome, UseBatch
from detector.fingerprint.facets import Fingerprinter
from detector.training.corpora import Case
from detector.training.shipped import read, run

_REFUSALS: Final = 5  # different requests in an hour
_SINGLE: Final = np.array([kind.single_holder for kind in KINDS])


class Labelled(msgspec.Struct, frozen=True):
    """One case. `attack` records are malicious, `scored` of them reach the profiles, by `credentials` credentials.

    `knowable` has the words of the module. `fired` is detection → after which malicious use (1 and up) its alert
    was sent; `shadow` the same for what is evaluated and not sent. `false` incidents hold no malicious use.
    """

    corpus: str
    name: str
    records: int
    rejected: int
    attack: int
    scored: int
    credentials: int
    knowable: tuple[str, ...]
    fired: dict[str, int]
    shadow: dict[str, int]
    false: int

    @property
    def says(self) -> bool:
        """Whether it is worth a line of its own."""
        return bool(self.knowable or self.fired or self.shadow or self.false)


def label(case: Case) -> Labelled:
    """What one case holds, what of it is knowable, and what fires when nothing else was ever seen."""
    decoded = read(case.records)
    batch = decoded.batch
    attack = np.array(case.attack, np.bool_)[batch.ref_offset]
    scored = Fingerprinter().facets(batch).scored & attack
    order = {native_id: at for at, native_id in enumerate(dict.fromkeys(batch.native_id[scored].tolist()), 1)}
    sent, shadow, false = dict[str, int](), dict[str, int](), set[str]()
    for emission in run(decoded.slices()):
        alert = emission.alert
        deciding = max((order[one] for one in alert.evidence.event_ids if one in order), default=0)
        if deciding:
            for detection in alert.detections:
                (sent if emission.sends else shadow).setdefault(detection, deciding)
        elif emission.sends:
            false.add(alert.incident_id)
    return Labelled(
        corpus=case.corpus,
        name=case.name,
        records=len(case.records),
        rejected=decoded.rejected,
        attack=sum(case.attack),
        scored=len(order),
        credentials=len(np.unique(batch.credential[attack & (batch.credential != 0)])),
        knowable=knowable(batch, attack, scored),
        fired=sent,
        shadow={name: at for name, at in shadow.items() if name not in sent},
        false=len(false),
    )


def knowable(batch: UseBatch, attack: Bool, scored: Bool) -> tuple[str, ...]:
    """Which of the module's rules hold for one of the `scored` rows; `attack` marks every row of an attack."""
    rows = np.flatnonzero(scored).tolist()
    return tuple(word for word, holds in _RULES.items() if any(holds(batch, attack, at) for at in rows))


def _has_history(batch: UseBatch, attack: Bool, at: int) -> bool:
    return _any(_same_principal(batch, at), ~attack, batch.time <= batch.time[at] - DAY)


def _has_ended(batch: UseBatch, _: Bool, at: int) -> bool:
    expired = bool(0 < batch.expires_at[at] < batch.time[at])
    return expired or _any(
        batch.credential == batch.credential[at], batch.activity == Activity.REVOKE, batch.time < batch.time[at]
    )


def _is_elsewhere(batch: UseBatch, _: Bool, at: int) -> bool:
    if not _SINGLE[batch.kind[at]] or not batch.address[at]:
        return False
    same = batch.credential == batch.credential[at]
    return _any(same, batch.address != 0, batch.address != batch.address[at])


def _is_refused(batch: UseBatch, _: Bool, at: int) -> bool:
    since = batch.time[at]
    hour = (batch.time >= since) & (batch.time < since + HOUR)
    rows = _same_principal(batch, at) & hour & (batch.outcome == Outcome.DENIED)
    return len(set(zip(batch.action[rows].tolist(), batch.resource[rows].tolist(), strict=True))) >= _REFUSALS


_RULES: Final[dict[str, Callable[[UseBatch, Bool, int], bool]]] = {
    "history": _has_history,
    "end": _has_ended,
    "binding": _is_elsewhere,
    "refusals": _is_refused,
}


def _same_principal(batch: UseBatch, at: int) -> Bool:
    same: Bool = (batch.realm == batch.realm[at]) & (batch.principal == batch.principal[at])
    return same


def _any(*masks: Bool) -> bool:
    return bool(np.logical_and.reduce(masks).any())
