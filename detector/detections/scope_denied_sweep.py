"""scope.denied_sweep: many different actions are refused within an hour, as when somebody tries what a key can do."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import SWEEP
from detector.scoring.fixed import NAT


class DeniedSweep(Detection):
    """Rests on different refused actions within an hour."""

    name = "scope_denied_sweep"
    components = (SWEEP,)
    metadata = Metadata(
        title="Many different actions refused within an hour",
        id="scope.denied_sweep",
        status="test",
        level="medium",
        description=(
            "More different actions that the principal never used were refused to it within one clock hour than its "
            "own and its peers' history makes likely. Repeats of one refused action count once."
        ),
        falsepositives=(
            "broken job that retries",
            "release that lacks three rights",
            "expired token",
            "scanner that is refused every hour",
            "first day of a principal",
        ),
        tags=("attack.t1526", "attack.t1580", "owasp.nhi5"),
        references=("https://attack.mitre.org/techniques/T1526/", "https://attack.mitre.org/techniques/T1580/"),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "action", "outcome"),
        blind_spots=(
            "a thief who tries fewer than five different actions an hour",
            "an over-broad role that is refused nothing",
            "logs that do not hold refused calls",
            "principals without history",
        ),
        runbook=(
            "1. Read the refused actions: listings of many services are a search, one service is a missing right. 2. "
            "Ask the owner about a release or a scanner within that hour. 3. If there is none, deactivate the "
            "credential (reversible) and review what was accepted from the same origin."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """The sweep is worth four nats."""
        return episode.components[SWEEP] >= 4 * NAT

    def title(self, use: Candidate) -> str:
        """Who, and where from."""
        return f"{use.credential} was refused many different actions within an hour, from {use.origin}"
