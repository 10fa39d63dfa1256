"""The published table of severity: confidence × impact, where impact is the privilege of what was done."""

from __future__ import annotations

import math
import re
from typing import Final

from detector.alert import SEVERITIES, Severity
from detector.scoring.fixed import NAT

_STEPS: Final[tuple[tuple[float, Severity], ...]] = (
    (0.75, "critical"),
    (0.5, "high"),
    (0.25, "medium"),
    (0.1, "low"),
    (0.0, "informational"),
)
_PRIVILEGED: Final = re.compile(r"^(iam|sts|kms|organizations|sso|cloudtrail|secretsmanager):", re.IGNORECASE)
_READ: Final = re.compile(r":(Batch)?(Get|List|Describe|Head|Lookup|Check|Search|Query|Scan|Select)", re.IGNORECASE)
_SECRET: Final = re.compile(r":(GetSecretValue|BatchGetSecretValue|GetParameter|GetPasswordData|Decrypt|AssumeRole)")


def confidence(score: int, prior: float) -> float:
    """P(attack) of an additive score in quanta: logistic of its nats and the prior log-odds.

    Four digits, and never certain: 0.0001 to 0.9999.
    """
    return min(max(round(1 / (1 + math.exp(-(score / NAT + prior))), 4), 0.0001), 0.9999)


def impact(action: str) -> float:
    """0..1: 0.9 for identity, key and secret services or reading secrets, 0.7 for other writes, 0.6 for reads."""
    if _SECRET.search(action) or (_PRIVILEGED.match(action) and not _READ.search(action)):
        return 0.9
    return 0.6 if _READ.search(action) else 0.7


def severity(confidence: float, impact: float) -> Severity:
    """The word for risk = confidence × impact: critical from 0.75, high 0.5, medium 0.25, low 0.1."""
    return next(word for least, word in _STEPS if confidence * impact >= least)


def rank(word: Severity) -> int:
    """Place of a severity, 0 = informational."""
    return SEVERITIES.index(word)
