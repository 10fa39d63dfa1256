"""replay.binding_violation: a credential speaks from a place that the workload it is bound to does not have."""

from __future__ import annotations

from detector.detections.base import Detection, Metadata
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import BINDING
from detector.scoring.fixed import NAT


class BindingViolation(Detection):
    """EC2 instance sessions and pod tokens; further bindings come with their sources."""

    name = "replay_binding_violation"
    components = (BINDING,)
    metadata = Metadata(
        title="Credential used off the instance or node it is bound to",
        id="replay.binding_violation",
        status="test",
        level="high",
        description=(
            "Temporary credentials of an EC2 instance role belong to one instance, the token of a pod to the node it "
            "runs on. A session of the role was used from an address that is none of the session's, by a client family "
            "or metadata delivery version that the session does not have, and the address serves no other session of "
            "the realm; or a pod's token was used from the address of another node, or from no node's address while "
            "the pod itself speaks from its node's."
        ),
        falsepositives=(
            "endpoint and public path of the same client",
            "elastic address attached to a running instance",
            "NAT gateway pool shared with other sessions",
            "new node takes over the address of one that is gone",
            "nodes behind one NAT gateway",
            "pods that show their own addresses",
            "pod given the former address of a node",
            "pod on the network of its host",
            "dual-stack node",
            "kubelet restarted",
            "DaemonSet on every node",
            "pods of a new node before its kubelet was seen",
            "egress gateway on one node",
        ),
        tags=("attack.t1550.001", "attack.t1552.005", "attack.t1528", "owasp.nhi2"),
        references=(
            "https://attack.mitre.org/techniques/T1552/005/",
            "https://attack.mitre.org/techniques/T1550/001/",
            "https://attack.mitre.org/techniques/T1528/",
            "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens",
        ),
        author="credential-use-detector",
        date="2026-11-23",
        version="2",
        evidence=("credential", "session", "address", "client", "for pods: node, and uses by the kubelets"),
        blind_spots=(
            "a thief who uses the same client family and delivery version",
            "a thief behind an address that other sessions of the realm use",
            "a session whose instance never used it in the logs read",
            "the first hours of a role that was never seen before",
            "a thief on the pod's own node",
            "pods whose token or log does not name their node, and nodes whose kubelets are not in the log",
            "nodes that share their addresses (NAT), and API servers behind a load balancer that hides its clients",
            "pods that show their own addresses, while the thief is on no node",
            "another node whose kubelet was not seen for an hour",
        ),
        runbook=(
            "1. Compare the observed address with the instance's or node's own (the reasons list both). "
            "2. Instance: if nobody of the team uses the role from there, deny the role's older sessions "
            "(aws:TokenIssueTime) and isolate the instance. Pod: delete the pod, which ends its token, and cordon the "
            "node that the address belongs to, if it is one; an egress gateway put there at that moment explains it. "
            "3. Read the events of the session from 1 h before the first observed use, first those that were accepted. "
            "4. Look for how the credential left: requests to the metadata address from the instance's workload; "
            "exec into the pod, or reads of its token file."
        ),
    )

    def supported(self, episode: Episode) -> bool:
        """The binding is contradicted."""
        return episode.components[BINDING] >= 4 * NAT

    def title(self, use: Candidate) -> str:
        """Who and where."""
        if use.pod is not None:
            return f"Token of pod {use.pod.name or use.session} used off its node {use.pod.node}, from {use.origin}"
        return f"Instance session {use.session} used off its instance, from {use.origin}"
