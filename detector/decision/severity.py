"""The published table of severity: confidence × impact, where impact is the privilege of what was done."""

from __future__ import annotations

import math
from typing import Final

from detector.alert import SEVERITIES, Severity
from detector.fingerprint.actions import PRIVILEGED, READ, WRITE, privilege
from detector.scoring.fixed import NAT

_STEPS: Final[tuple[tuple[float, Severity], ...]] = (
    (0.75, "critical"),
    (0.5, "high"),
    (0.25, "medium"),
    (0.1, "low"),
    (0.0, "informational"),
)
_IMPACT: Final = {READ: 0.6, WRITE: 0.7, PRIVILEGED: 0.9}


def confidence(score: int, prior: float) -> float:
    """P(attack) of an additive score in quanta: logistic of its nats and the prior log-odds.

    Four digits, and never certain: 0.0001 to 0.9999.
    """
    return min(max(round(1 / (1 + math.exp(-(score / NAT + prior))), 4), 0.0001), 0.9999)


def impact(action: str) -> float:
    """0..1: 0.9 for identity, key and secret services or reading secrets, 0.7 for other writes, 0.6 for reads."""
    return _IMPACT[privilege(action)]


def severity(confidence: float, impact: float) -> Severity:
    """The word for risk = confidence × impact: critical from 0.75, high 0.5, medium 0.25, low 0.1."""
    return next(word for least, word in _STEPS if confidence * impact >= least)


def rank(word: Severity) -> int:
    """Place of a severity, 0 = informational."""
    return SEVERITIES.index(word)
