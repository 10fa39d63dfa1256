"""replay.new_origin: a credential moves to an origin and client unlike its own and its peers'."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import CLIENT, NETWORK
from detector.scoring.fixed import NAT


class NewOrigin(Detection):
    """Rests on novelty of network and client together."""

    name = "replay_new_origin"
    components = (NETWORK, CLIENT)
    metadata = Metadata(
        title="Credential used from an origin unlike its own and its peers'",
        id="replay.new_origin",
        status="test",
        level="medium",
        description=(
            "Network and client of a use are new to the principal, and its peer group and realm do not make them "
            "likely. Values that peers use, address changes within a known prefix and principals whose addresses "
            "always change count little."
        ),
        falsepositives=(
            "new address in a known prefix",
            "prefix that peers use",
            "principal whose addresses always change",
            "new client release",
        ),
        tags=("attack.t1078.004", "owasp.nhi2"),
        references=("https://attack.mitre.org/techniques/T1078/004/",),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "address", "client"),
        blind_spots=(
            "a thief in a prefix that peers use",
            "a thief with the owner's client from a new network, while no second evidence appears",
            "principals without history",
        ),
        runbook=(
            "1. Compare observed and expected origin in the reasons. 2. Ask the owner about a move, a new vendor or a "
            "new tool on that day. 3. If there is none, deactivate the key (reversible), then review its accepted "
            "events since the first observed use."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """Network and client together are worth six nats, and the network itself is new."""
        network, client = episode.components[NETWORK], episode.components[CLIENT]
        return network >= 2 * NAT and network + client >= 6 * NAT

    def title(self, use: Candidate) -> str:
        """Who and where."""
        return f"{use.credential} used from an origin new to it and its peers: {use.origin}"
