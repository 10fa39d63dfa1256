"""scope.new_action: actions that a principal never used and its peers rarely do, weighed by what they let it do."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import ACTION
from detector.scoring.fixed import NAT


class NewAction(Detection):
    """Rests on the novelty of actions, each counted once a day."""

    name = "scope_new_action"
    components = (ACTION,)
    metadata = Metadata(
        title="Credential used for actions that it never used and its peers rarely do",
        id="scope.new_action",
        status="shadow",  # what releases of real fleets add in a day is not measured yet
        level="medium",
        description=(
            "Within a day the principal used several actions for the first time that its peer group and realm do not "
            "make likely. Identity, key and secret actions weigh most: by themselves three of them raise an incident, "
            "two do not, and reads and ordinary writes never do."
        ),
        falsepositives=(
            "new feature that reads and writes",
            "actions that peers use",
            "release with one new privileged action",
            "principal whose actions always change",
            "first day of a principal",
        ),
        tags=("attack.t1550.001", "attack.t1098.001", "owasp.nhi5", "owasp.nhi8"),
        references=("https://attack.mitre.org/techniques/T1098/001/",),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "action"),
        blind_spots=(
            "a thief who does only what the principal or its peers do",
            "a new target of a known action: resources, regions and accounts are not compared",
            "two new privileged actions a day",
            "principals without history",
        ),
        runbook=(
            "1. Compare the actions in the evidence with what the workload is for. 2. Ask the owner about a release, a "
            "new module or an incident on that day. 3. If there is none, deactivate the credential (reversible), undo "
            "what the actions changed, above all new keys and policies, and narrow the role to what it uses."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """New actions are worth four nats."""
        return episode.components[ACTION] >= 4 * NAT

    def title(self, use: Candidate) -> str:
        """Who and what."""
        return f"{use.credential} used for actions new to it and its peers: {use.action or 'unknown action'}"
