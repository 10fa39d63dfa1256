"""replay.after_revocation: accepted after expiry or revocation, or after the death of its parent."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import PARENTAGE, REVOCATION
from detector.scoring.fixed import NAT


class AfterRevocation(Detection):
    """Rests on lifecycle rows: issue with expiry, revocation, reactivation."""

    name = "replay_after_revocation"
    components = (REVOCATION, PARENTAGE)
    metadata = Metadata(
        title="Credential accepted after its end",
        id="replay.after_revocation",
        status="test",
        level="high",
        description=(
            "A use was accepted long after the credential expired or was revoked, or long after the credential that "
            "issued it was. Clock skew, shuffled logs and the time a revocation takes to spread are allowed for."
        ),
        falsepositives=(
            "refused retries of a forgotten job",
            "log delay around the revocation",
            "key switched off and on again",
            "session that outlives a rotated key for its normal life",
        ),
        tags=("attack.t1550.001", "owasp.nhi1", "owasp.nhi7"),
        references=("https://attack.mitre.org/techniques/T1550/001/",),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "issue or revoke rows"),
        blind_spots=(
            "credentials whose issue and revocation are not in the logs read",
            "services that do not log the credential",
        ),
        runbook=(
            "1. Confirm the end (who revoked, when) from the events listed. 2. Find the service that still accepts "
            "it: the action and region of the observed use. 3. Revoke at that service, then look for sessions issued "
            "from the credential since its end."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """Long overrun of its own end, or of its parent's."""
        return episode.components[REVOCATION] >= 8 * NAT or episode.components[PARENTAGE] >= 5 * NAT

    def title(self, use: Candidate) -> str:
        """Who and where."""
        return f"{use.credential} was accepted after its end, from {use.origin}"
