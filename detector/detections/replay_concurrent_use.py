"""replay.concurrent_use: one credential or single-holder session is active in two places at once."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import CONCURRENCY, PATH
from detector.scoring.fixed import NAT


class ConcurrentUse(Detection):
    """Rests on returns: A, then B, then A again, while B is active."""

    name = "replay_concurrent_use"
    components = (CONCURRENCY, PATH)
    metadata = Metadata(
        title="Credential active in two places at once",
        id="replay.concurrent_use",
        status="test",
        level="high",
        description=(
            "Two contexts (network, client, instance) of one credential or single-holder session alternate. A handover "
            "moves once and never returns; a copy makes both sides speak. How often returns are benign is learnt for "
            "the principal and its peer group."
        ),
        falsepositives=(
            "handover to a new place",
            "two clients on one host",
            "key shared by design",
        ),
        tags=("attack.t1550.001", "attack.t1078.004", "owasp.nhi2"),
        references=("https://attack.mitre.org/techniques/T1550/001/",),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "address", "client"),
        blind_spots=(
            "a thief who speaks only while the owner is silent for six hours",
            "a thief behind the owner's prefix with the owner's client",
            "keys whose owners share them between many places",
        ),
        runbook=(
            "1. Ask the owner whether both contexts of the timeline are theirs. "
            "2. If one is not: take its address and client, and search 24 h around the first observed use for other "
            "credentials from there. 3. Rotate the credential; for sessions, revoke what issued them."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """At least one telling return."""
        return episode.components[CONCURRENCY] >= 2 * NAT

    def title(self, use: Candidate) -> str:
        """Who and where."""
        return f"{use.credential} is used by two holders at once, one of them from {use.origin}"
