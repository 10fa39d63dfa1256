"""What to do about a stolen credential, per kind: the handle a revoker accepts, what it breaks, what survives it.

Data, not policy: nothing here decides or acts. Containment that can be undone comes before destruction, and where the
log carries an identifier the revoker does not take (a hash, an HMAC), the handle says so. Sources: the providers'
documentation of each revocation call, and KEP-4193 for bound tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from detector.domain import Kind


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice for one credential kind, in words for an analyst.

    `recommended` is the first step to take; `handle` what the revoker needs to name the credential; `blast_radius`
    what else stops working; `reversible` whether `recommended` can be undone; `survives` what stays valid after it.
    """

    recommended: str
    handle: str
    blast_radius: str
    reversible: bool
    survives: str


def advice(kind: Kind) -> Advice:
    """Advice for `kind`; every kind of `domain.KINDS` has its own entry."""
    return _ADVICE[kind.label]


def _session(holder: str, source: str) -> Advice:
    """Advice for an AWS STS session: it cannot be revoked alone, and whoever holds the source can mint the next."""
    return Advice(
        recommended=f"deny this role session with an inline policy on aws:userid, then {source}",
        handle="role ARN and role session name (aws:userid = role id:session name)",
        blast_radius=f"every session of that name: {holder}",
        reversible=True,
        survives="sessions under another session name; a new session if the source of the credentials is still open",
    )


_EXPIRY: Final = "tokens already issued, until they expire"

_ADVICE: Final[dict[str, Advice]] = {
    "unknown": Advice(
        "identify the credential in the source's own console before acting",
        "none: the log names no credential",
        "unknown",
        reversible=True,
        survives="everything",
    ),
    "aws.access-key": Advice(
        "set the key Inactive (UpdateAccessKey); delete it once nothing legitimate fails",
        "access key id and user name",
        "every workload that holds this key",
        reversible=True,
        survives="sessions minted from it with GetSessionToken, GetFederationToken or AssumeRole, until they expire",
    ),
    "aws.session/instance": _session("one EC2 instance", "require IMDSv2 and replace the instance"),
    "aws.session/container": _session("one container task", "stop the task"),
    "aws.session/function": _session("every execution environment of one function", "redeploy the function"),
    "aws.session/assumed": _session("every caller that picks that session name", "check who may assume the role"),
    "aws.session/web-identity": _session("one CI job or pod", "narrow the subject in the role's trust policy"),
    "aws.session/federation": Advice(
        "set the IAM key that minted it Inactive and attach a deny policy to its user",
        "user name and parent access key id",
        "everything the user's keys and sessions do",
        reversible=True,
        survives="nothing while the deny policy stands",
    ),
    "k8s.bound-token": Advice(
        "delete the bound pod (there is no per-token revocation); where it is gone, find what still takes its token",
        "namespace and pod name; the credential-id (JTI) only finds it in the audit log",
        "one pod; its controller starts another",
        reversible=False,
        survives="cloud sessions already exchanged for it, until they expire",
    ),
    "k8s.legacy-token": Advice(
        "delete the token Secret and move the workload to bound tokens",
        "namespace and Secret name",
        "every workload that mounts or copied that Secret",
        reversible=False,
        survives="cloud sessions already exchanged for it, until they expire",
    ),
    "k8s.client-cert": Advice(
        "remove the user's role bindings (Kubernetes has no certificate revocation)",
        "none for the certificate; user and group of its subject for the bindings",
        "everything that user and its groups do",
        reversible=True,
        survives="the certificate itself, until it expires or the CA is rotated",
    ),
    "github.pat": Advice(
        "revoke the token's access from the organisation (fine-grained grant or SSO authorisation)",
        "grant or authorisation id looked up from the owner; the log's hashed token is not accepted",
        "everything that token is used for in the organisation",
        reversible=False,
        survives="the token outside the organisation; tokens and deploy keys created with it",
    ),
    "github.app": Advice(
        "suspend the installation, then rotate the app's private key",
        "installation id",
        "every repository that relies on the app",
        reversible=True,
        survives="installation tokens elsewhere if the private key leaked",
    ),
    "github.oidc": Advice(
        "narrow the subject in the trust of the cloud role it was exchanged for",
        "none for the token; subject claim for the trust policy",
        "every workflow that matches the subject",
        reversible=True,
        survives="cloud sessions already exchanged for it, until they expire",
    ),
    "github.deploy-key": Advice(
        "delete the deploy key from the repository",
        "repository and key id",
        "every host that pulls or pushes with that key",
        reversible=False,
        survives="nothing",
    ),
    "vault.token": Advice(
        "revoke by accessor (auth/token/revoke-accessor)",
        "raw accessor: a log with hmac_accessor=true carries its HMAC, which the call does not take",
        "the token, its children and their leases",
        reversible=False,
        survives="secrets already read; credentials a lease cannot take back",
    ),
    "vault.approle": Advice(
        "destroy the secret id by accessor",
        "role name and secret id accessor",
        "every workload that logs in with that secret id",
        reversible=False,
        survives="tokens already issued from it: revoke them by accessor",
    ),
    "spiffe.x509-svid": Advice(
        "delete the registration entry, then ban the agent (an evicted agent can attest again)",
        "entry id and agent SPIFFE ID",
        "every workload that matches the entry",
        reversible=True,
        survives="the SVID, until it expires",
    ),
    "spiffe.jwt-svid": Advice(
        "delete the registration entry, then ban the agent (an evicted agent can attest again)",
        "entry id and agent SPIFFE ID",
        "every workload that matches the entry",
        reversible=True,
        survives="the JWT-SVID and sessions exchanged for it, until they expire",
    ),
    "gcp.sa-key": Advice(
        "disable the key; delete it once nothing legitimate fails",
        "service account key name",
        "every workload that holds this key",
        reversible=True,
        survives="access tokens minted from it, about one hour",
    ),
    "gcp.access-token": Advice(
        "disable the service account",
        "service account e-mail; the token has no handle",
        "everything that service account does",
        reversible=True,
        survives=_EXPIRY,
    ),
    "gcp.federated": Advice(
        "disable the workload identity pool provider, or narrow its attribute condition",
        "pool and provider name",
        "every workload that federates through the provider",
        reversible=True,
        survives=_EXPIRY,
    ),
    "entra.client-secret": Advice(
        "remove the secret from the application",
        "application id and credential key id",
        "every workload that holds this secret",
        reversible=False,
        survives=_EXPIRY,
    ),
    "entra.certificate": Advice(
        "remove the certificate from the application",
        "application id and credential key id",
        "every workload that holds this certificate",
        reversible=True,
        survives=_EXPIRY,
    ),
    "entra.federated": Advice(
        "remove the federated credential from the application",
        "application id and federated credential id",
        "every workload of that issuer and subject",
        reversible=True,
        survives=_EXPIRY,
    ),
    "entra.managed-identity": Advice(
        "take the role assignments of the identity away",
        "service principal id; the token has no handle",
        "everything the identity is assigned to",
        reversible=True,
        survives=_EXPIRY,
    ),
    "okta.api-token": Advice(
        "revoke the API token",
        "API token id",
        "every integration that holds this token",
        reversible=False,
        survives="users, apps and tokens created with it",
    ),
    "oauth.client": Advice(
        "disable the client, then rotate its secret",
        "client id",
        "every workload that uses this client",
        reversible=True,
        survives=_EXPIRY,
    ),
    "oauth.refresh-token": Advice(
        "revoke the grant at the authorisation server",
        "grant or token id; RFC 7009 needs the token itself",
        "one grant: the application must be authorised again",
        reversible=False,
        survives=_EXPIRY,
    ),
    "mtls.cert": Advice(
        "revoke the certificate and make sure its peers check the revocation list",
        "issuer and serial number",
        "every workload that holds this certificate",
        reversible=False,
        survives="connections already open; peers that check no revocation",
    ),
    "snowflake.password": Advice(
        "disable the user (ALTER USER … SET DISABLED = TRUE), then rotate the password",
        "user name",
        "everything that user runs",
        reversible=True,
        survives="queries already running: abort them",
    ),
    "snowflake.keypair": Advice(
        "unset the user's public key, or disable the user",
        "user name and public key fingerprint",
        "every workload that holds the private key",
        reversible=True,
        survives="queries already running: abort them",
    ),
    "api-key": Advice(
        "disable the key at its service; delete it once nothing legitimate fails",
        "key id",
        "every workload that holds this key",
        reversible=True,
        survives="whatever was created with it",
    ),
    "agent.token": Advice(
        "revoke the token and pause the agent",
        "token id",
        "one agent and the tools it reaches",
        reversible=True,
        survives="tokens the agent obtained from other services",
    ),
}
