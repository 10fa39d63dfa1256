"""Actions: `service:verb`, the service it belongs to, and how much it lets its caller do."""

from __future__ import annotations

import re
from typing import Final

READ, WRITE, PRIVILEGED = range(3)  # the privilege of an action

_PRIVILEGED: Final = re.compile(r"^(iam|sts|kms|organizations|sso|cloudtrail|secretsmanager):", re.IGNORECASE)
_READ: Final = re.compile(
    r":(Batch)?(Get|List|Describe|Head|Lookup|Check|Search|Query|Scan|Select|Watch)|:create \w+reviews$", re.IGNORECASE
)
_SECRET: Final = re.compile(r":(GetSecretValue|BatchGetSecretValue|GetParameter|GetPasswordData|Decrypt|AssumeRole)")
# Kubernetes: what hands out credentials, runs commands in another's place, or grants rights.
_CLUSTER: Final = re.compile(
    r"core:(?:(?:get|list|watch) secrets$|create serviceaccounts/token$|\w+ (?:pods/(?:exec|attach|ephemeralcontainers)"
    r"|nodes/proxy)$)|rbac\.authorization\.k8s\.io:(?!get |list |watch )|certificates\.k8s\.io:\w+ \w+/approval$"
)


def privilege(action: str) -> int:
    """`PRIVILEGED` for identity, key and secret services or reading secrets, else `READ` or `WRITE`.

    What is not known to read counts as a write.
    """
    if _SECRET.search(action) or _CLUSTER.match(action):
        return PRIVILEGED
    if _PRIVILEGED.match(action) and not _READ.search(action):
        return PRIVILEGED
    return READ if _READ.search(action) else WRITE


def service_of(action: str) -> str:
    """The service of an action: `s3` of `s3:GetObject`. An action that names none is its own service."""
    return action.partition(":")[0] or action
