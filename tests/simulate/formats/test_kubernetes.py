"""What the format writes is what the source of that log reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detector.domain import KINDS, Activity, Outcome, UseRow
from detector.simulate.call import Action, Call, Context
from detector.simulate.catalogue import CLUSTER_STRANGE, cluster_work
from detector.simulate.formats import kubernetes
from detector.simulate.formats.kubernetes import FORBIDDEN, TOKEN_REQUEST, UNAUTHORIZED, Subject
from detector.sources.kubernetes import Kubernetes

SECOND = 1_767_571_200
EVENT = "89abcdef-1111-4111-a111-111111111111"
JTI = "JTI=0b8f36c1-0000-4000-a000-000000000001"
CART = ("cart-7d9f-x2x", "b1c4f3de-0000-4000-8000-00000000000a")
POD = kubernetes.pod_token("west", "shop", "cart", "5f0c", JTI, pod=CART, node="node-3")
KUBELET = kubernetes.certificate("west", "system:node:node-3", "system:nodes", "X509SHA256=" + "0f" * 32)
READ = Action("core", "get secrets", resource="shop/db")


def call(subject: Subject, action: Action = READ, error: str = "", request: str = "", response: str = "null") -> Call:
    context = Context("10.0.0.7", 'cart/v2 "x"')
    return Call(SECOND, EVENT, subject, action, context, error, request, response)


def record(subject: Subject, action: Action = READ, error: str = "", **fields: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(subject.render(call(subject, action, error, **fields)))
    return parsed


def rows(subject: Subject, action: Action = READ, error: str = "", **fields: str) -> list[UseRow]:
    reading = Kubernetes().read([subject.render(call(subject, action, error, **fields))], "west")
    assert reading.rejected == []
    return reading.rows


def test_the_use_of_a_pods_token_is_read_as_it_was_made() -> None:
    (row,) = rows(POD)
    assert (row.native_id, row.realm, row.principal) == (EVENT, "west", "system:serviceaccount:shop:cart")
    assert (row.credential, KINDS[row.kind].label) == (JTI, "k8s.bound-token")
    assert (row.session, row.instance, row.node) == (CART[1], f"shop/{CART[0]}", "node-3")
    assert (row.address, row.client) == ("10.0.0.7", 'cart/v2 "x"')
    assert (row.action, row.resource, row.outcome) == ("core:get secrets", "shop/db", Outcome.ALLOWED)
    assert row.time // 1_000_000 == SECOND
    assert row.time % 1_000_000 > 0
    assert POD.log == "kubernetes.west"


@pytest.mark.parametrize("action", sorted({*CLUSTER_STRANGE, *cluster_work("shop")}), ids=lambda one: one.text)
def test_every_action_is_read_as_it_is_named(action: Action) -> None:
    row = rows(POD, action)[0]
    assert row.action == action.text
    assert row.outcome == Outcome.ALLOWED


@pytest.mark.parametrize(
    ("action", "path", "code"),
    [
        (READ, "/api/v1/namespaces/shop/secrets/db", 200),
        (Action("core", "list secrets"), "/api/v1/secrets?limit=500&resourceVersion=0", 200),
        (Action("core", "get namespaces", resource="/shop"), "/api/v1/namespaces/shop", 200),
        (Action("core", "create pods", resource="shop/"), "/api/v1/namespaces/shop/pods", 201),
        (Action("core", "create pods/exec", resource="shop/a"), "/api/v1/namespaces/shop/pods/a/exec", 101),
        (Action("apps", "patch deployments/scale", resource="shop/a"),
         "/apis/apps/v1/namespaces/shop/deployments/a/scale", 200),
        (Action("url", "get version"), "/version", 200),
    ],
)  # fmt: skip
def test_a_request_has_the_path_and_the_answer_that_the_api_gives(action: Action, path: str, code: int) -> None:
    found = record(POD, action)
    assert (found["requestURI"], found["responseStatus"]["code"]) == (path, code)


def test_a_refused_request_says_that_it_was_forbidden() -> None:
    (row,) = rows(POD, error=FORBIDDEN)
    assert (row.outcome, row.error, row.credential) == (Outcome.DENIED, "Forbidden", JTI)
    found = record(POD, error=FORBIDDEN)
    assert found["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert found["responseStatus"]["code"] == 403


def test_a_token_that_is_not_accepted_names_nobody() -> None:
    (row,) = rows(POD, error=UNAUTHORIZED)
    assert (row.outcome, row.principal, row.credential) == (Outcome.DENIED, "", "")
    assert record(POD, error=UNAUTHORIZED)["annotations"] == {}


def test_an_issued_token_is_logged_by_its_id_and_by_the_pod_where_the_policy_keeps_requests() -> None:
    issue = Action("core", TOKEN_REQUEST, read_only=False, resource="shop/cart")
    short = rows(KUBELET, issue, response=kubernetes.issued(JTI))
    full = rows(KUBELET, issue, request=kubernetes.token_request(CART), response=kubernetes.issued(JTI))
    for use, child in (short, full):
        assert (use.principal, use.node) == ("system:node:node-3", "node-3")
        assert (child.activity, child.credential) == (Activity.ISSUE, JTI)
        assert child.principal == "system:serviceaccount:shop:cart"
        assert child.parent == use.credential
    assert (short[1].session, full[1].session) == ("", CART[1])
    assert record(KUBELET, issue)["level"] == "Metadata"


def test_the_end_of_a_pod_is_read_from_its_kubelets_request() -> None:
    remove = Action("core", "delete pods", read_only=False, resource=f"shop/{CART[0]}")
    short, full = rows(KUBELET, remove)[1], rows(KUBELET, remove, request=kubernetes.removal(CART[1]))[1]
    assert (short.activity, short.instance, short.session) == (Activity.END, f"shop/{CART[0]}", "")
    assert (full.activity, full.session) == (Activity.END, CART[1])


def test_a_token_that_lies_in_a_secret_and_a_certificate_are_read_as_what_they_are() -> None:
    legacy = kubernetes.secret_token("west", "ops", "deployer", "5f0c", "deployer-token")
    (row,) = rows(legacy)
    assert (KINDS[row.kind].label, row.credential) == ("k8s.legacy-token", "ops/deployer-token")
    (row,) = rows(kubernetes.certificate("west", "jane@example.com", "admins", "X509SHA256=" + "ab" * 32))
    assert (KINDS[row.kind].label, row.principal) == ("k8s.client-cert", "jane@example.com")
    assert row.credential == "X509SHA256=" + "ab" * 32


def test_a_token_that_should_have_been_renewed_is_marked_stale() -> None:
    key = "authentication.k8s.io/stale-token"
    fresh, stale = (
        kubernetes.pod_token("west", "shop", "cart", "5f0c", JTI, pod=CART, stale_after=SECOND - after)
        for after in (0, 60)
    )
    assert key not in record(fresh)["annotations"]
    assert record(stale)["annotations"][key].endswith("seconds after warning threshold: 60")


def test_a_watch_is_answered_when_it_ends_minutes_later() -> None:
    found = record(POD, Action("core", "watch pods", resource="shop/"))
    assert found["requestReceivedTimestamp"].startswith("2026-01-05T00:00:00.")
    assert "2026-01-05T00:05:00" <= found["stageTimestamp"] <= "2026-01-05T00:10:01"


def test_no_record_holds_a_token() -> None:
    issue = Action("core", TOKEN_REQUEST, read_only=False, resource="shop/cart")
    request, answer = kubernetes.token_request(CART), kubernetes.issued(JTI)
    found = record(KUBELET, issue, request=request, response=answer)
    assert "responseObject" not in found
    assert "token" not in found["requestObject"]["spec"]
