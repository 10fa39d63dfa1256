"""Workload end: a pod's token is accepted after the pod is gone.

In steps with the time since the end, as after a revocation: pods may take their grace period, API servers remember
tokens for some seconds, and logs are shuffled, so event times are compared and never arrivals. A refused use says that
the end was noticed and is no evidence.
"""

from __future__ import annotations

import numpy as np

from detector.bundle import WorkloadPriors
from detector.domain import I64, SECOND, UseBatch
from detector.fingerprint.facets import Facets
from detector.fingerprint.pods import accepted, by_pods, keys
from detector.scoring.revocation import nats_after, steps
from detector.state.workloads import Workloads


class WorkloadEnd:
    """Scores rows against the pods that had ended as of the last close."""

    def __init__(self, priors: WorkloadPriors) -> None:
        self._overrun = steps(priors.overrun)

    def score(self, batch: UseBatch, facets: Facets, workloads: Workloads) -> I64:
        """int64[n]: quanta of each row."""
        quanta = np.zeros(len(batch), np.int64)
        if not len(workloads.pods):
            return quanta
        rows = by_pods(batch, facets)
        if not len(rows):
            return quanta
        end = workloads.ended(keys(batch, facets, rows).pod)
        late = (end > 0) & accepted(batch, rows)
        quanta[rows[late]] = nats_after(self._overrun, batch.time[rows[late]] // SECOND - end[late])
        return quanta
