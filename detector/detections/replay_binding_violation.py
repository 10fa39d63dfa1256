"""replay.binding_violation: a session speaks from a place and a client that its instance does not have."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import BINDING
from detector.scoring.fixed import NAT


class BindingViolation(Detection):
    """EC2 instance sessions; further bindings come with their sources."""

    name = "replay_binding_violation"
    components = (BINDING,)
    metadata = Metadata(
        title="Instance credential used off its instance",
        id="replay.binding_violation",
        status="test",
        level="high",
        description=(
            "Temporary credentials of an EC2 instance role belong to one instance. One session of the role was used "
            "from an address that is none of the session's, by a client family or metadata delivery version that the "
            "session does not have, and the address serves no other session of the realm."
        ),
        falsepositives=(
            "endpoint and public path of the same client",
            "elastic address attached to a running instance",
            "NAT gateway pool shared with other sessions",
        ),
        tags=("attack.t1550.001", "attack.t1552.005", "owasp.nhi2"),
        references=(
            "https://attack.mitre.org/techniques/T1552/005/",
            "https://attack.mitre.org/techniques/T1550/001/",
        ),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "session", "address", "client"),
        blind_spots=(
            "a thief who uses the same client family and delivery version",
            "a thief behind an address that other sessions of the realm use",
            "a session whose instance never used it in the logs read",
            "the first hours of a role that was never seen before",
        ),
        runbook=(
            "1. Compare the observed address with the instance's own (the timeline lists both). "
            "2. If nobody of the team uses the role from there, deny the role's older sessions "
            "(aws:TokenIssueTime) and isolate the instance. "
            "3. Read the events of the session from 1 h before the first observed use, first those that were accepted. "
            "4. Look for how the credential left: requests to the metadata address from the instance's workload."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """The session's binding is contradicted."""
        return episode.components[BINDING] >= 4 * NAT

    def title(self, use: Candidate) -> str:
        """Who and where."""
        return f"Instance session {use.session} used off its instance, from {use.origin}"
