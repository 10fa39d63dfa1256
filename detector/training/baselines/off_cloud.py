"""A key of a cloud workload is used from outside the cloud, from a network that its realm is not known for."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from detector.domain import I64, KINDS
from detector.training.baselines.base import F64, Baseline
from detector.training.history import known, pair, size
from detector.training.terms import TERM_BYTES, unseen
from detector.training.uses import Uses

CLOUD: Final = "cloud"  # what an owner of addresses is called when it is the cloud the fleet runs in
_LEARNT: Final = 14  # days
_WORKLOADS: Final = ("instance", "container", "function")
_BOUND: Final = np.array([kind.name == "aws.session" and kind.variant in _WORKLOADS for kind in KINDS])


class OffCloud(Baseline):
    """Sees exfiltration to another network, and nothing inside the cloud."""

    name: ClassVar[str] = "off_cloud"
    title: ClassVar[str] = "Workload key outside its cloud"
    source: ClassVar[str] = "Amazon GuardDuty: InstanceCredentialExfiltration.OutsideAWS, as documented since 2021"
    natural: ClassVar[float | None] = 1.0

    def score(self, uses: Uses) -> F64:
        """See `Baseline.score`."""
        rows = _outside(uses)
        new = unseen(pair(uses.realm[rows], uses.provider[rows]), uses.second[rows], _LEARNT)
        score = np.zeros(len(uses))
        score[rows[new]] = 1.0
        return score

    def state_bytes(self, uses: Uses) -> int:
        """See `Baseline.state_bytes`."""
        rows = _outside(uses)
        return TERM_BYTES * size(pair(uses.realm[rows], uses.provider[rows]))


def _outside(uses: Uses) -> I64:
    """Rows of bound keys that come from a known network that is not the cloud."""
    cloud = np.array([owner == CLOUD for owner in uses.providers])
    outside = known(uses.provider) & ~cloud[uses.provider] & ~uses.endpoint
    rows: I64 = np.flatnonzero(_BOUND[uses.kind] & outside)
    return rows
