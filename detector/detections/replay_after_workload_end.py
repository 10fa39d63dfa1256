"""replay.after_workload_end: the token of a pod is accepted when the pod is gone."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import WORKLOAD_END
from detector.scoring.fixed import NAT


class AfterWorkloadEnd(Detection):
    """Rests on the ends of pods that the log states."""

    name = "replay_after_workload_end"
    components = (WORKLOAD_END,)
    metadata = Metadata(
        title="Token accepted after its pod was gone",
        id="replay.after_workload_end",
        status="test",
        level="high",
        description=(
            "A token bound to a pod was accepted long after the pod was removed. Only a copy outlives its pod. The "
            "pod's last moments, tokens that API servers remember for some seconds, and shuffled logs are allowed for."
        ),
        falsepositives=(
            "next pod of a StatefulSet under the same name",
            "last requests of a pod within its grace period",
            "refused retries after the end",
            "log delay around the end",
            "pod of the same name in another cluster of the realm",
        ),
        tags=("attack.t1550.001", "attack.t1528", "owasp.nhi1", "owasp.nhi2"),
        references=(
            "https://attack.mitre.org/techniques/T1550/001/",
            "https://attack.mitre.org/techniques/T1528/",
            "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens",
        ),
        author="credential-use-detector",
        date="2026-11-23",
        version="1",
        evidence=("credential", "session", "end rows of pods"),
        blind_spots=(
            "pods whose removal is not in the logs read, or names no pod that was seen",
            "API servers refuse the token of a removed pod: what accepts it may not be in the log",
            "uses within ten minutes after the end",
            "uses more than a week after the end",
        ),
        runbook=(
            "1. Confirm the removal of the pod from the events around its end. 2. Find what still accepts the token: "
            "services that check its signature only, or an API server that does not look pods up. 3. There is no pod "
            "left to delete: deny the service account (remove its role bindings, or delete and recreate it) until the "
            "token expires, and end the cloud sessions exchanged for it. 4. Read what the token was used for since "
            "the end, and look for how it left the pod."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """Accepted well after the end: ten minutes, where something else supports it."""
        return episode.components[WORKLOAD_END] >= 4 * NAT

    def title(self, use: Candidate) -> str:
        """Which pod, and where."""
        name = (use.pod.name if use.pod is not None else "") or use.session
        return f"Token of pod {name} was accepted after the pod was gone, from {use.origin}"
