"""One simulated request as the API server of a Kubernetes cluster audits it: audit.k8s.io/v1, stage ResponseComplete.

An action's `service` is the API group (`core` for the first, `url` for what is no resource), its `name` the verb and
the resource, its `resource` `NAMESPACE/NAME`, either of which may be empty. What was asked is logged where the policy
says so (`Call.request`, level Request), what was answered never is: of an issued token only the id, as an annotation.

Source: Kubernetes API reference, audit.k8s.io/v1 Event; `user.extra` of KEP-4193 (cluster 1.32 and later).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from detector.simulate.call import Call, stamp

FORBIDDEN: Final = "Forbidden"
UNAUTHORIZED: Final = "Unauthorized"
TOKEN_REQUEST: Final = "create serviceaccounts/token"  # noqa: S105 - an operation
_CODES: Final = {
    FORBIDDEN: 403,
    UNAUTHORIZED: 401,
    "NotFound": 404,
    "AlreadyExists": 409,
    "Conflict": 409,
    "TooManyRequests": 429,
}
_ANSWERS: Final = {"create": 201}
_CONNECTED: Final = frozenset({"exec", "attach", "portforward"})  # these switch protocols
_VERSIONS: Final = {"autoscaling": "v2", "metrics.k8s.io": "v1beta1"}
_PREFIX: Final = "authentication.kubernetes.io/"
_quoted = lru_cache(maxsize=4096)(json.dumps)


@dataclass(frozen=True, slots=True)
class Subject:
    """A user of one cluster, by one credential. `json` is the event's `user`, `annotations` what authentication adds.

    From `stale_after` (seconds) on a token is used that should have been renewed by then; 0 = it can't be.
    """

    cluster: str
    name: str
    json: str
    annotations: str = ""
    stale_after: int = 0

    @property
    def log(self) -> str:
        """One log per cluster, for events do not name theirs."""
        return f"kubernetes.{self.cluster}"

    def render(self, call: Call) -> bytes:
        """The event as the API server writes it, on one line."""
        action, context, error = call.action, call.context, call.error
        verb, path, target = _request(action.service, action.name, action.resource)
        asked = call.request or action.request
        level, body = ("Metadata", "") if asked == "null" else ("Request", f'"requestObject":{asked},')
        received, answered = _stamps(call, verb)
        user = "{}" if error == UNAUTHORIZED else self.json
        return (
            f'{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"{level}","auditID":"{call.event_id}",'
            f'"stage":"ResponseComplete","requestURI":"{path}","verb":"{verb}","user":{user},'
            f'"sourceIPs":["{context.address}"],"userAgent":{_quoted(context.client)},{target}'
            f'"responseStatus":{_status(verb, action.name, error, self.name)},{body}'
            f'"requestReceivedTimestamp":"{received}","stageTimestamp":"{answered}",'
            f'"annotations":{{{self._annotations(call)}}}}}'
        ).encode()

    def _annotations(self, call: Call) -> str:
        if call.error == UNAUTHORIZED:
            return ""
        found = _decision(call.error, self.name) + self.annotations
        if call.response != "null" and call.action.name == TOKEN_REQUEST:
            found += f',"{_PREFIX}issued-credential-id":{call.response}'
        if self.stale_after and call.second > self.stale_after:
            late = f"subject: {self.name}, seconds after warning threshold: {call.second - self.stale_after}"
            found += f',"authentication.k8s.io/stale-token":"{late}"'
        return found


def pod_token(
    cluster: str, namespace: str, account: str, uid: str, token: str, *, pod: tuple[str, str] = ("", ""),
    node: str = "", stale_after: int = 0,
) -> Subject:  # fmt: skip
    """A service account by a token of the TokenRequest API. `token` is its id (`JTI=…`), `pod` name and uid."""
    extra = {"credential-id": token, "node-name": node, "pod-name": pod[0], "pod-uid": pod[1]}
    return Subject(cluster, f"system:serviceaccount:{namespace}:{account}", _account(namespace, account, uid, extra),
                   stale_after=stale_after)  # fmt: skip


def secret_token(cluster: str, namespace: str, account: str, uid: str, secret: str) -> Subject:
    """A service account by the token that lies in `secret` until somebody deletes it."""
    name = f"system:serviceaccount:{namespace}:{account}"
    legacy = f',"authentication.k8s.io/legacy-token":"{name}"'
    legacy += f',"authentication.k8s.io/legacy-token-manual-secret":"{secret}"'
    return Subject(cluster, name, _account(namespace, account, uid, {}), legacy)


def certificate(cluster: str, name: str, group: str, digest: str) -> Subject:
    """A user by a client certificate. `digest` is its credential id, `X509SHA256=…`."""
    user = {
        "username": name,
        "groups": [*([group] if group else []), "system:authenticated"],
        "extra": {f"{_PREFIX}credential-id": [digest]},
    }
    return Subject(cluster, name, _compact(user))


def issued(token: str) -> str:
    """What a token request is answered, as far as it is logged."""
    return json.dumps(token)


def token_request(pod: tuple[str, str]) -> str:
    """What a kubelet asks for the token of a pod (name and uid), where the policy logs it."""
    bound = {"kind": "Pod", "apiVersion": "v1", "name": pod[0], "uid": pod[1]}
    spec = {"audiences": None, "expirationSeconds": 3607, "boundObjectRef": bound}
    return _compact({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec})


def removal(uid: str) -> str:
    """What a kubelet asks when it removes a pod that has stopped, where the policy logs it."""
    options = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 0}
    return _compact({**options, "preconditions": {"uid": uid}})


def _account(namespace: str, account: str, uid: str, extra: dict[str, str]) -> str:
    user: dict[str, object] = {
        "username": f"system:serviceaccount:{namespace}:{account}",
        "uid": uid,
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
    }
    if extra:
        user["extra"] = {_PREFIX + key: [value] for key, value in extra.items() if value}
    return _compact(user)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@lru_cache(maxsize=65_536)
def _request(group: str, name: str, where: str) -> tuple[str, str, str]:
    """Verb, path and, as a member that ends in a comma, `objectRef` of an action."""
    verb, _, thing = name.partition(" ")
    if group == "url":
        return verb, f"/{thing}", ""
    namespace, _, one = where.partition("/")
    resource, _, part = thing.partition("/")
    version = _VERSIONS.get(group, "v1")
    root = f"/api/{version}" if group == "core" else f"/apis/{group}/{version}"
    created = verb == "create" and not part
    steps = (f"/namespaces/{namespace}" if namespace and resource != "namespaces" else "", f"/{resource}",
             f"/{one}" if one and not created else "", f"/{part}" if part else "")  # fmt: skip
    query = {"list": "?limit=500&resourceVersion=0", "watch": "?allowWatchBookmarks=true&timeoutSeconds=572&watch=true"}
    target = {"resource": resource, "namespace": namespace, "name": one, "apiGroup": "" if group == "core" else group,
              "apiVersion": version, "subresource": part}  # fmt: skip
    found = {key: value for key, value in target.items() if value}
    return verb, root + "".join(steps) + query.get(verb, ""), f'"objectRef":{_compact(found)},'


@lru_cache(maxsize=16_384)
def _status(verb: str, name: str, error: str, user: str) -> str:
    if error:
        what = "Unauthorized" if error == UNAUTHORIZED else f'{name.partition(" ")[2]} : User "{user}" cannot {name}'
        return _compact({"metadata": {}, "status": "Failure", "message": what, "reason": error, "code": _CODES[error]})
    connected = name.rpartition("/")[2] in _CONNECTED
    return f'{{"metadata":{{}},"code":{101 if connected else _ANSWERS.get(verb, 200)}}}'


@lru_cache(maxsize=16_384)
def _decision(error: str, user: str) -> str:
    """What the authorizer decided and why, as members."""
    if error == FORBIDDEN:
        return '"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""'
    reason = ""
    if not user.startswith("system:node:"):  # nodes have an authorizer of their own, which gives no reason
        *_, namespace, role = ("", *user.split(":"))
        whom = f'ServiceAccount "{role}/{namespace}"' if user.startswith("system:serviceaccount:") else f'User "{user}"'
        reason = f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to {whom}'
    return f'"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":{json.dumps(reason)}'


def _stamps(call: Call, verb: str) -> tuple[str, str]:
    """When the request came and when it was answered, to the microsecond: in milliseconds, or, for a watch, minutes."""
    micros = int(call.event_id[:5], 16) * 1_000_000 >> 20
    taken = 1_500 + 10 * int(call.event_id[5:8], 16)
    if verb == "watch":
        taken += (300 + int(call.event_id[5:8], 16) % 300) * 1_000_000
    more, rest = divmod(micros + taken, 1_000_000)
    return f"{stamp(call.second)[:-1]}.{micros:06}Z", f"{stamp(call.second + more)[:-1]}.{rest:06}Z"
