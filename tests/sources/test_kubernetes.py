"""The Kubernetes audit source: who is calling, from where, and what the request does to tokens and pods."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detector.decode import Decoder, RawRecord
from detector.domain import KIND_CODE, TEXT_COLUMNS, Activity, ActorClass, Flag, Outcome, UseRow
from detector.sources.cloudtrail import CloudTrail
from detector.sources.kubernetes import Kubernetes

T0 = 1_792_929_600_000_000  # 2026-10-25T12:00:00Z
MINUTE = 60_000_000
AUDIT_ID = "11111111-2222-4333-8444-555555555555"
JTI = "JTI=7ee52be0-9045-4653-aa5e-0da57b8dccdc"
CERTIFICATE = "X509SHA256=" + "0f" * 32
POD_UID = "b1c4f3de-0000-4000-8000-00000000000a"
BEARER = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def extra(**fields: str) -> dict[str, list[str]]:
    return {f"authentication.kubernetes.io/{key.replace('_', '-')}": [value] for key, value in fields.items()}


def pod(name: str = "cart-7d9f-x2x", *, account: str = "cart", **fields: str) -> dict[str, Any]:
    found = {"credential_id": JTI, "pod_name": name, "pod_uid": POD_UID, "node_name": "node-3", **fields}
    return {
        "username": f"system:serviceaccount:shop:{account}",
        "uid": "5f0c",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
        "extra": extra(**{key: value for key, value in found.items() if value}),
    }


def node(name: str = "node-3", **fields: str) -> dict[str, Any]:
    return {"username": f"system:node:{name}", "groups": ["system:nodes"], "extra": extra(**fields)}


def of_aws(name: str = "deployer", **fields: str) -> dict[str, Any]:
    found = {
        "arn": "arn:aws:sts::111122223333:assumed-role/ops/run-7",
        "canonicalArn": "arn:aws:iam::111122223333:role/ops",
        "accessKeyId": "ASIAEXAMPLE000000001",
        "sessionName": "run-7",
        **fields,
    }
    return {"username": name, "extra": {key: [value] for key, value in found.items() if value}}


def event(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": AUDIT_ID,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/secrets/db?timeout=5s",
        "verb": "get",
        "user": pod(),
        "sourceIPs": ["192.0.2.10"],
        "userAgent": "cart/v2.1.0 (linux/amd64) kubernetes/$Format",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-10-25T12:00:00.000000Z",
        "stageTimestamp": "2026-10-25T12:00:00.004000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed"},
        **fields,
    }


def raw(**fields: Any) -> bytes:
    return json.dumps(event(**fields), separators=(",", ":")).encode()


def read(**fields: Any) -> list[UseRow]:
    reading = Kubernetes().read([raw(**fields)], "prod-1")
    assert reading.rejected == []
    return reading.rows


def token_request(**fields: Any) -> list[UseRow]:
    asked = {
        "verb": "create",
        "user": node(credential_id=CERTIFICATE),
        "objectRef": {"resource": "serviceaccounts", "namespace": "shop", "name": "cart", "subresource": "token"},
        "responseStatus": {"code": 201},
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authentication.kubernetes.io/issued-credential-id": JTI,
        },
    }
    return read(**{**asked, **fields})


def deletion(**fields: Any) -> list[UseRow]:
    asked = {
        "verb": "delete",
        "user": node(),
        "requestURI": "/api/v1/namespaces/shop/pods/cart-7d9f-x2x",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "cart-7d9f-x2x", "apiVersion": "v1"},
    }
    return read(**{**asked, **fields})


SAMPLES: list[tuple[str, bytes, list[dict[str, object]]]] = [
    (
        "a pod's token",
        raw(),
        [
            {
                "native_id": AUDIT_ID,
                "source": "kubernetes",
                "time": T0,
                "realm": "home",
                "account": "home",
                "principal": "system:serviceaccount:shop:cart",
                "session": POD_UID,
                "credential": JTI,
                "kind": KIND_CODE["k8s.bound-token"],
                "peer_group": "home|k8s.bound-token|shop",
                "issuer": "",
                "address": "192.0.2.10",
                "client": "cart/v2.1.0 (linux/amd64) kubernetes/$Format",
                "instance": "shop/cart-7d9f-x2x",
                "node": "node-3",
                "channel": "",
                "action": "core:get secrets",
                "resource": "shop/db",
                "error": "",
                "activity": Activity.USE,
                "actor_class": ActorClass.WORKLOAD,
                "outcome": Outcome.ALLOWED,
                "flags": Flag.NONE,
                "use_index": 0,
            }
        ],
    ),
    (
        "an item of a webhook's list, without kind and version",
        json.dumps({key: value for key, value in event().items() if key not in {"kind", "apiVersion"}}).encode(),
        [{"native_id": AUDIT_ID, "credential": JTI}],
    ),
    (
        "an old event, with its time to the second",
        raw(
            apiVersion="audit.k8s.io/v1beta1",
            metadata={"creationTimestamp": "2026-10-25T12:00:00Z"},
            timestamp="2026-10-25T12:00:00Z",
            requestReceivedTimestamp=None,
            stageTimestamp=None,
            user={"username": "minikube-user", "groups": ["system:masters"]},
        ),
        [{"time": T0, "principal": "minikube-user", "kind": 0, "credential": "", "actor_class": ActorClass.UNKNOWN}],
    ),
    (
        "a kubelet's certificate",
        raw(user=node(credential_id=CERTIFICATE), verb="patch", objectRef={"resource": "nodes", "name": "node-3"}),
        [
            {
                "principal": "system:node:node-3",
                "credential": CERTIFICATE,
                "kind": KIND_CODE["k8s.client-cert"],
                "peer_group": "home|k8s.client-cert|system:nodes",
                "session": "",
                "instance": "",
                "node": "node-3",
                "action": "core:patch nodes",
                "resource": "node-3",
                "actor_class": ActorClass.WORKLOAD,
            }
        ],
    ),
    (
        "a token requested for a pod",
        raw(
            level="RequestResponse",
            verb="create",
            user=node(credential_id=CERTIFICATE),
            objectRef={"resource": "serviceaccounts", "namespace": "shop", "name": "cart", "subresource": "token"},
            responseStatus={"code": 201},
            requestObject={
                "kind": "TokenRequest",
                "spec": {
                    "expirationSeconds": 3607,
                    "boundObjectRef": {"kind": "Pod", "name": "cart-1", "uid": POD_UID},
                },
            },
            responseObject={
                "kind": "TokenRequest",
                "status": {"token": BEARER, "expirationTimestamp": "2026-10-25T13:00:07Z"},
            },
            annotations={"authentication.kubernetes.io/issued-credential-id": JTI},
        ),
        [
            {"activity": Activity.USE, "credential": CERTIFICATE, "action": "core:create serviceaccounts/token"},
            {
                "activity": Activity.ISSUE,
                "use_index": 1,
                "principal": "system:serviceaccount:shop:cart",
                "session": POD_UID,
                "instance": "shop/cart-1",
                "node": "",
                "credential": JTI,
                "parent": CERTIFICATE,
                "kind": KIND_CODE["k8s.bound-token"],
                "peer_group": "home|k8s.bound-token|shop",
                "actor_class": ActorClass.WORKLOAD,
                "issued_at": T0,
                "expires_at": T0 + 3_607_000_000,
            },
        ],
    ),
    (
        "a pod removed by its kubelet",
        raw(
            verb="delete",
            user=node(),
            objectRef={"resource": "pods", "namespace": "shop", "name": "cart-1", "uid": POD_UID},
        ),
        [
            {"activity": Activity.USE, "principal": "system:node:node-3"},
            {
                "activity": Activity.END,
                "use_index": 1,
                "time": T0,
                "realm": "home",
                "principal": "",
                "session": POD_UID,
                "instance": "shop/cart-1",
                "node": "node-3",
                "credential": "",
                "peer_group": "",
                "kind": 0,
            },
        ],
    ),
]


# -- stages -----------------------------------------------------------------------------------------------------------


def test_an_announced_request_is_skipped_and_not_refused() -> None:
    reading = Kubernetes().read([raw(stage="RequestReceived", responseStatus=None), raw()], "prod-1")
    assert (reading.skipped, reading.rejected, reading.record) == (1, [], [1])


def test_both_stages_of_a_watch_are_one_use_re_delivered() -> None:
    started = read(verb="watch", stage="ResponseStarted")[0]
    complete = read(verb="watch", stage="ResponseComplete", stageTimestamp="2026-10-25T12:30:00Z")[0]
    assert started.digest != complete.digest
    assert started._replace(digest=0) == complete._replace(digest=0)


def test_a_panic_is_a_failed_use() -> None:
    row = read(stage="Panic", responseStatus={"code": 500, "reason": "InternalError", "message": "APIServer panic'd"})[
        0
    ]
    assert (row.outcome, row.error) == (Outcome.FAILED, "InternalError")


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({}, T0),
        ({"requestReceivedTimestamp": None}, T0 + 4_000),
        ({"requestReceivedTimestamp": None, "stageTimestamp": None, "timestamp": "2026-10-25T12:01:00Z"}, T0 + MINUTE),
        ({"requestReceivedTimestamp": "2026-10-25 12:00:00.125000000"}, T0 + 125_000),
    ],
)
def test_the_time_of_a_use_is_when_the_request_was_received_as_far_as_it_is_logged(
    fields: dict[str, Any], time: int
) -> None:
    assert read(**fields)[0].time == time


# -- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "kind", "credential"),
    [
        (pod(), "k8s.bound-token", JTI),
        (pod(credential_id=""), "k8s.bound-token", f"pod/{POD_UID}"),
        (pod(credential_id="", pod_uid=""), "k8s.bound-token", ""),
        (pod("", pod_uid="", node_name=""), "k8s.bound-token", JTI),
        (pod("", pod_uid="", node_name="", credential_id=""), "unknown", ""),
        ({"username": "system:serviceaccount:shop:cart"}, "unknown", ""),
    ],
)
def test_a_service_accounts_credential_is_its_tokens_id_or_the_pod_it_dies_with_or_unknown(
    user: dict[str, Any], kind: str, credential: str
) -> None:
    row = read(user=user)[0]
    assert (row.kind, row.credential) == (KIND_CODE[kind], credential)
    assert row.principal == "system:serviceaccount:shop:cart"
    assert row.peer_group == f"prod-1|{kind}|shop"


@pytest.mark.parametrize(
    ("annotation", "value", "credential"),
    [
        ("legacy-token-manual-secret", "cart-token", "shop/cart-token"),
        ("legacy-token-autogenerated-secret", "cart-token-7v4pb", "shop/cart-token-7v4pb"),
        ("legacy-token", "system:serviceaccount:shop:cart", ""),
    ],
)
def test_a_token_of_a_secret_is_named_by_the_secret_as_far_as_it_is_logged(
    annotation: str, value: str, credential: str
) -> None:
    user = {"username": "system:serviceaccount:shop:cart"}
    row = read(user=user, annotations={f"authentication.k8s.io/{annotation}": value})[0]
    assert (row.kind, row.credential) == (KIND_CODE["k8s.legacy-token"], credential)
    assert row.peer_group == "prod-1|k8s.legacy-token|shop"


def test_an_invalidated_secret_is_told_although_its_use_was_refused_without_a_name() -> None:
    row = read(
        user={},
        responseStatus={"code": 401, "reason": "Unauthorized"},
        annotations={"authentication.k8s.io/legacy-token-invalidated": "cart-token/shop"},
    )[0]
    assert (row.credential, row.kind) == ("shop/cart-token", KIND_CODE["k8s.legacy-token"])
    assert (row.principal, row.outcome) == ("", Outcome.DENIED)


def test_a_token_bound_to_no_pod_has_no_session() -> None:
    row = read(user=pod("", pod_uid="", node_name=""))[0]
    assert (row.session, row.instance, row.node) == ("", "", "")


@pytest.mark.parametrize("user", [{"username": "system:anonymous", "groups": ["system:unauthenticated"]}, {}])
def test_a_request_without_a_credential_is_nobodys(user: dict[str, Any]) -> None:
    row = read(user=user, requestURI="/healthz", objectRef=None)[0]
    assert (row.principal, row.credential, row.kind, row.peer_group) == ("", "", 0, "")


@pytest.mark.parametrize(
    ("name", "actor_class"),
    [
        ("system:kube-scheduler", ActorClass.WORKLOAD),
        ("system:apiserver", ActorClass.WORKLOAD),
        ("deploy@shop.iam.gserviceaccount.com", ActorClass.WORKLOAD),
        ("jane@example.com", ActorClass.HUMAN),
        ("oidc:jane.doe@mail.example.com", ActorClass.HUMAN),
        ("https://issuer.example#jane@example.com", ActorClass.HUMAN),
        ("kubernetes-admin", ActorClass.UNKNOWN),
        ("kube:admin", ActorClass.UNKNOWN),
        ("system:admin", ActorClass.UNKNOWN),
        ("ci", ActorClass.UNKNOWN),
        ("https://issuer.example#repo:acme/app", ActorClass.UNKNOWN),
        ("me@localhost", ActorClass.UNKNOWN),
    ],
)
def test_people_are_told_by_names_that_only_people_have(name: str, actor_class: ActorClass) -> None:
    row = read(user={"username": name})[0]
    assert (row.principal, row.actor_class) == (name, actor_class)


def test_a_certificate_and_an_issuer_are_known_where_they_are_stated() -> None:
    by_certificate = read(user={"username": "ci", "extra": extra(credential_id=CERTIFICATE)})[0]
    assert (by_certificate.kind, by_certificate.credential) == (KIND_CODE["k8s.client-cert"], CERTIFICATE)
    assert by_certificate.peer_group == "prod-1|k8s.client-cert|system:authenticated"
    by_oidc = read(user={"username": "https://issuer.example#repo:acme/app", "extra": extra(credential_id=JTI)})[0]
    assert (by_oidc.kind, by_oidc.credential, by_oidc.issuer) == (0, JTI, "https://issuer.example")


@pytest.mark.parametrize(
    ("user", "kind", "principal", "session", "actor_class"),
    [
        (of_aws(), "aws.session/assumed", "arn:aws:iam::111122223333:role/ops#assumed", "run-7", ActorClass.UNKNOWN),
        (
            of_aws(canonicalArn="", sessionName=""),
            "aws.session/assumed",
            "arn:aws:iam::111122223333:role/ops#assumed",
            "run-7",
            ActorClass.UNKNOWN,
        ),
        (
            of_aws(sessionName="0123456789abcdef0123456789abcdef"),
            "aws.session/container",
            "arn:aws:iam::111122223333:role/ops#container",
            "0123456789abcdef0123456789abcdef",
            ActorClass.WORKLOAD,
        ),
        (
            of_aws(
                arn="arn:aws:iam::111122223333:user/ci",
                canonicalArn="arn:aws:iam::111122223333:user/ci",
                accessKeyId="AKIAEXAMPLE000000001",
                sessionName="",
            ),
            "aws.access-key",
            "arn:aws:iam::111122223333:user/ci",
            "",
            ActorClass.UNKNOWN,
        ),
        (
            of_aws("kubernetes-admin", canonicalArn="arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_01"),
            "aws.session/assumed",
            "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_01#assumed",
            "run-7",
            ActorClass.HUMAN,
        ),
    ],
)
def test_a_caller_that_aws_authenticated_used_its_aws_key(
    user: dict[str, Any], kind: str, principal: str, session: str, actor_class: ActorClass
) -> None:
    row = read(user=user)[0]
    assert row.credential == user["extra"]["accessKeyId"][0]
    assert (row.kind, row.principal, row.session) == (KIND_CODE[kind], principal, session)
    assert (row.peer_group, row.actor_class) == (f"prod-1|{kind}|/", actor_class)


def test_an_aws_session_is_the_same_principal_in_both_logs() -> None:
    here = read(user=of_aws())[0]
    there = (
        CloudTrail()
        .read(
            [
                json.dumps(
                    {
                        "eventTime": "2026-10-25T12:00:00Z",
                        "eventSource": "sts.amazonaws.com",
                        "eventName": "GetCallerIdentity",
                        "userIdentity": {
                            "type": "AssumedRole",
                            "arn": "arn:aws:sts::111122223333:assumed-role/ops/run-7",
                            "accessKeyId": "ASIAEXAMPLE000000001",
                        },
                    }
                ).encode()
            ],
            "home",
        )
        .rows[0]
    )
    assert (here.credential, here.principal, here.session, here.kind) == (
        there.credential,
        there.principal,
        there.session,
        there.kind,
    )


def test_a_node_of_eks_stays_the_node_it_is_mapped_to() -> None:
    name = "system:node:ip-192-0-2-9.ec2.internal"
    row = read(
        user=of_aws(
            name,
            arn="arn:aws:sts::111122223333:assumed-role/nodes/i-0123456789abcdef0",
            canonicalArn="arn:aws:iam::111122223333:role/nodes",
            sessionName="i-0123456789abcdef0",
        )
    )[0]
    assert (row.principal, row.node) == (name, "ip-192-0-2-9.ec2.internal")
    assert (row.kind, row.instance) == (KIND_CODE["aws.session/instance"], "i-0123456789abcdef0")
    assert (row.peer_group, row.actor_class) == ("prod-1|aws.session/instance|system:nodes", ActorClass.WORKLOAD)


def test_an_impersonators_own_credential_is_used_and_whom_it_impersonates_is_the_channel() -> None:
    row = read(impersonatedUser={"username": "bob", "groups": ["system:authenticated"]})[0]
    assert (row.principal, row.credential) == ("system:serviceaccount:shop:cart", JTI)
    assert row.channel == "impersonate:bob"


def test_what_a_client_chooses_per_request_never_changes_who_it_is() -> None:
    home = read()[0]
    thief = read(userAgent="kubectl/v1.31.0", sourceIPs=["10.0.0.5", "198.51.100.9"], auditID="system:node:node-3")[0]
    assert (home.principal, home.session, home.peer_group) == (thief.principal, thief.session, thief.peer_group)


# -- from where, what, and how it ended -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logged", "kept"),
    [
        (["192.0.2.10"], "192.0.2.10"),
        (["10.0.0.5", "2001:DB8::7", "198.51.100.9"], "198.51.100.9"),
        (["::ffff:192.0.2.1"], "192.0.2.1"),
        ([], ""),
        (None, ""),
        (["pod-network"], ""),
    ],
)
def test_the_address_is_the_peer_that_the_api_server_saw(logged: list[str] | None, kept: str) -> None:
    assert read(sourceIPs=logged)[0].address == kept


@pytest.mark.parametrize(
    ("fields", "action", "resource"),
    [
        ({"objectRef": {"resource": "secrets", "namespace": "shop"}, "verb": "list"}, "core:list secrets", "shop"),
        (
            {"objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "cart-1"}},
            "core:get pods/exec",
            "shop/cart-1",
        ),
        (
            {
                "verb": "create",
                "objectRef": {"resource": "clusterrolebindings", "name": "x", "apiGroup": "rbac.authorization.k8s.io"},
            },
            "rbac.authorization.k8s.io:create clusterrolebindings",
            "x",
        ),
        ({"objectRef": None, "requestURI": "/metrics/slis?verbose=1"}, "url:get metrics", "/metrics/slis"),
        ({"objectRef": None, "requestURI": "/"}, "url:get /", "/"),
        ({"objectRef": None, "requestURI": None}, "url:get /", ""),
    ],
)
def test_an_action_is_group_verb_and_resource(fields: dict[str, Any], action: str, resource: str) -> None:
    row = read(**fields)[0]
    assert (row.action, row.resource) == (action, resource)


@pytest.mark.parametrize(
    ("status", "decision", "outcome", "error"),
    [
        ({"code": 200}, "allow", Outcome.ALLOWED, ""),
        ({"code": 101}, "allow", Outcome.ALLOWED, ""),
        ({"code": 304}, "allow", Outcome.ALLOWED, ""),
        ({"code": 403, "reason": "Forbidden"}, "forbid", Outcome.DENIED, "Forbidden"),
        ({"code": 403}, "allow", Outcome.DENIED, "403"),  # refused by admission
        ({"code": 401}, None, Outcome.DENIED, "401"),
        ({"code": 404, "reason": "NotFound"}, "allow", Outcome.FAILED, "NotFound"),
        ({"code": 503}, "allow", Outcome.FAILED, "503"),
        (None, "forbid", Outcome.DENIED, ""),
        (None, "allow", Outcome.ALLOWED, ""),
        (None, None, Outcome.UNKNOWN, ""),
    ],
)
def test_a_status_is_a_refusal_a_failure_or_neither(
    status: dict[str, Any] | None, decision: str | None, outcome: Outcome, error: str
) -> None:
    row = read(responseStatus=status, annotations={"authorization.k8s.io/decision": decision})[0]
    assert (row.outcome, row.error) == (outcome, error)


# -- lineage ----------------------------------------------------------------------------------------------------------


def test_the_issued_token_is_the_principal_that_its_own_uses_state() -> None:
    bound = {"kind": "Pod", "name": "cart-7d9f-x2x", "uid": POD_UID}
    issued = token_request(requestObject={"spec": {"boundObjectRef": bound}})[1]
    use = read()[0]
    for column in ("realm", "principal", "session", "instance", "credential", "kind", "peer_group", "actor_class"):
        assert getattr(issued, column) == getattr(use, column), column


def test_a_token_bound_to_a_node_is_not_a_pods() -> None:
    issued = token_request(requestObject={"spec": {"boundObjectRef": {"kind": "Node", "name": "node-9", "uid": "u"}}})[
        1
    ]
    assert (issued.node, issued.instance, issued.session) == ("node-9", "", "")


def test_the_chain_of_tokens_is_kept() -> None:
    issued = token_request(user=pod(credential_id="JTI=parent"))[1]
    assert (issued.credential, issued.parent, issued.expires_at) == (JTI, "JTI=parent", 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"responseStatus": {"code": 403, "reason": "Forbidden"}},
        {"annotations": {"authorization.k8s.io/decision": "allow"}},  # before 1.30 the token's id is not logged
        {"annotations": None},
        {"requestURI": "/api/v1/namespaces/shop/serviceaccounts/cart/token?dryRun=All"},
        {"requestObject": {"dryRun": ["All"]}},
        {"verb": "get"},
        {"objectRef": {"resource": "serviceaccounts", "namespace": "shop", "name": "cart"}},
        {"objectRef": {"resource": "serviceaccounts", "subresource": "token", "name": "cart", "apiGroup": "other.io"}},
    ],
)
def test_no_token_is_issued_unless_one_was_and_its_id_is_known(fields: dict[str, Any]) -> None:
    assert [row.activity for row in token_request(**fields)] == [Activity.USE]


GRACEFUL = {"kind": "DeleteOptions", "gracePeriodSeconds": 30}
AT_ONCE = {"kind": "DeleteOptions", "gracePeriodSeconds": 0}
COLLECTOR = {"username": "system:serviceaccount:kube-system:pod-garbage-collector"}


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({}, True),
        ({"user": COLLECTOR}, True),
        ({"user": pod()}, False),
        ({"user": pod(), "requestObject": AT_ONCE}, True),
        ({"user": pod(), "requestObject": GRACEFUL}, False),
        ({"user": pod(), "requestURI": "/api/v1/namespaces/shop/pods/cart?gracePeriodSeconds=0&x=1"}, True),
        ({"user": pod(), "requestURI": "/api/v1/namespaces/shop/pods/cart?gracePeriodSeconds=05"}, False),
        ({"requestObject": GRACEFUL}, False),
        ({"requestObject": {"gracePeriodSeconds": 0, "dryRun": ["All"]}}, False),
        ({"responseStatus": {"code": 409, "reason": "Conflict"}}, False),
        ({"verb": "deletecollection"}, False),
        ({"objectRef": {"resource": "pods", "namespace": "shop", "name": "x", "subresource": "eviction"}}, False),
        ({"objectRef": {"resource": "pods", "namespace": "shop"}}, False),
    ],
)
def test_a_pod_ends_when_it_is_removed_and_not_when_its_grace_period_begins(fields: dict[str, Any], ends: bool) -> None:  # noqa: FBT001
    assert [row.activity for row in deletion(**fields)[1:]] == [Activity.END] * ends


@pytest.mark.parametrize(
    "fields",
    [
        {"objectRef": {"resource": "pods", "namespace": "shop", "name": "cart-7d9f-x2x", "uid": POD_UID}},
        {"requestObject": {"gracePeriodSeconds": 0, "preconditions": {"uid": POD_UID}}},
        {"responseObject": {"kind": "Pod", "metadata": {"uid": POD_UID}}},
        {"responseObject": {"kind": "Status", "status": "Success", "details": {"kind": "pods", "uid": POD_UID}}},
    ],
)
def test_the_end_of_a_pod_is_that_of_its_tokens_session(fields: dict[str, Any]) -> None:
    ended = deletion(**fields)[1]
    use = read()[0]
    assert (ended.realm, ended.session, ended.instance, ended.node) == (use.realm, use.session, use.instance, use.node)


def test_the_end_of_a_pod_names_its_service_account_and_node_where_they_are_logged() -> None:
    answer = {"kind": "Pod", "spec": {"serviceAccountName": "cart", "nodeName": "node-5"}}
    ended = deletion(user=COLLECTOR, responseObject=answer)[1]
    assert (ended.principal, ended.node, ended.credential) == ("system:serviceaccount:shop:cart", "node-5", "")


def test_a_deleted_node_has_ended() -> None:
    ended = deletion(objectRef={"resource": "nodes", "name": "node-9"}, user=COLLECTOR)[1]
    assert (ended.activity, ended.node, ended.instance, ended.session) == (Activity.END, "node-9", "", "")


# -- what is refused, and what never enters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"requestReceivedTimestamp": "yesterday"}, "bad_time"),
        ({"requestReceivedTimestamp": "2005-12-31T23:59:59Z"}, "absurd_time"),
        ({"requestReceivedTimestamp": None, "stageTimestamp": None}, "missing_field"),
        ({"verb": None}, "missing_field"),
        ({"user": None}, "missing_field"),
        ({"user": None, "user.username": "system:node:a"}, "missing_field"),
        ({"kind": "Pod", "auditID": None}, "unknown_format"),
        ({"apiVersion": "v1", "auditID": None}, "unknown_format"),  # an Event of the cluster, not of its audit
    ],
)
def test_what_every_use_needs_is_needed(fields: dict[str, Any], reason: str) -> None:
    reading = Kubernetes().read([raw(**fields), raw()], "prod-1")
    assert [(bad.index, bad.reason) for bad in reading.rejected] == [(0, reason)]
    assert reading.record == [1]


def test_a_strange_optional_field_does_not_lose_the_record() -> None:
    row = read(
        annotations=["x"],
        responseStatus="ok",
        objectRef={"resource": "pods", "namespace": 7},
        userAgent={"a": 1},
        sourceIPs="192.0.2.1",
        user=pod() | {"groups": 3, "extra": pod()["extra"] | {"arn": 5}},
        impersonatedUser=[],
        requestObject="omitted",
    )[0]
    assert (row.credential, row.action, row.resource, row.address) == (JTI, "core:get pods", "7", "")


def test_an_extra_that_a_forwarder_flattened_is_read() -> None:
    flat = {key: values[0] for key, values in pod()["extra"].items()}
    assert read(user=pod() | {"extra": flat})[0]._replace(digest=0) == read()[0]._replace(digest=0)


def test_bearer_values_never_survive() -> None:
    records = [
        raw(
            verb="create",
            objectRef={"resource": "serviceaccounts", "namespace": "shop", "name": "cart", "subresource": "token"},
            responseObject={"kind": "TokenRequest", "status": {"token": BEARER}},
            annotations={"authentication.kubernetes.io/issued-credential-id": JTI},
        ),
        raw(
            verb="create",
            objectRef={"resource": "tokenreviews", "apiGroup": "authentication.k8s.io"},
            requestObject={"kind": "TokenReview", "spec": {"token": BEARER, "audiences": ["api"]}},
            responseObject={"kind": "TokenReview", "spec": {"token": BEARER}, "status": {"authenticated": True}},
        ),
        raw(
            verb="create",
            objectRef={"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "cart-1"},
            requestURI=f"/api/v1/namespaces/shop/pods/cart-1/exec?command=login&command={BEARER}",
        ),
        raw(objectRef=None, requestURI=f"/login/{BEARER}?access_token={BEARER}"),
        raw(userAgent=f"tool/1 {BEARER}", auditID=BEARER, impersonatedUser={"username": BEARER}),
        raw(user=pod(credential_id=BEARER, pod_name=BEARER, pod_uid=BEARER, node_name=BEARER)),
        raw(user={"username": BEARER}),
        raw(user={"username": f"system:serviceaccount:{BEARER}:{BEARER}"}),
        raw(user=of_aws(arn=f"arn:{BEARER}", canonicalArn=f"arn:{BEARER}", accessKeyId=BEARER, sessionName=BEARER)),
        raw(verb=BEARER, objectRef={"resource": BEARER, "namespace": BEARER, "name": BEARER, "apiGroup": BEARER}),
        raw(responseStatus={"code": 400, "reason": BEARER}),
    ]
    reading = Kubernetes().read(records, "prod-1")
    assert len(reading.rows) == len(records) + 1
    for row in reading.rows:
        for column in ("native_id", *TEXT_COLUMNS):
            assert BEARER not in getattr(row, column), column


# -- through its envelopes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["webhook", "cloudwatch"])
def test_the_items_of_a_batch_are_read_wherever_it_comes_from(of: str) -> None:
    records = [event(), event(stage="RequestReceived"), event(auditID="2", requestReceivedTimestamp="x")]
    if of == "webhook":
        stripped = [
            {key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in records
        ]
        envelope: dict[str, Any] = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}}
        envelope["items"] = stripped
    else:
        items = [{"id": "1", "timestamp": 1, "message": json.dumps(item)} for item in records]
        envelope = {"messageType": "DATA_MESSAGE", "logGroup": "/aws/eks/prod-1/cluster", "logEvents": items}
    decoder = Decoder({"cloudtrail": CloudTrail(), "kubernetes": Kubernetes()}, realm="prod-1")
    batch, dead = decoder.decode([RawRecord(json.dumps(envelope).encode(), "audit", 7)])
    assert [batch.text("credential", at) for at in range(len(batch))] == [JTI]
    assert [(letter.offset, letter.reason) for letter in dead] == [(7, "bad_time")]
