"""What a request does to other credentials: tokens issued, pods and nodes ended.

Each effect turns the caller's own row into a further row of the same event. Only requests that were carried out have
effects: not refused, not failed, not a dry run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from detector.domain import Activity, ActorClass, UseRow
from detector.errors import RecordError
from detector.records import clean, clean_credential, optional_time, read_object
from detector.sources.k8s.identity import BOUND_TOKEN, account_name, is_kubelet, peer_group
from detector.sources.k8s.wire import BODY, Body, BoundObject, Event, Metadata, ObjectRef, Spec, Status

Effect = Callable[[Event, ObjectRef, Body, Body, UseRow], UseRow | None]

_DRY_RUN: Final = re.compile(r"[?&]dryRun=")
_AT_ONCE: Final = re.compile(r"[?&]gracePeriodSeconds=0(?:&|$)")
# The controller that removes pods of nodes that are gone; it never grants a grace period.
_COLLECTOR: Final = account_name("kube-system", "pod-garbage-collector")


def effect_of(event: Event, row: UseRow) -> UseRow | None:
    """The further row of a request that succeeded, made from the caller's `row`; None without one. Never raises."""
    target = event.object_ref or ObjectRef()
    effect = EFFECTS.get((event.verb or "", target.resource or "", target.subresource or ""))
    if effect is None or target.api_group:
        return None
    asked, answer = _body(bytes(event.request_object)), _body(bytes(event.response_object))
    if asked.dry_run or _DRY_RUN.search(event.request_uri or ""):
        return None
    return effect(event, target, asked, answer, row)


def _body(piece: bytes) -> Body:
    try:
        return read_object(piece, BODY)
    except RecordError:
        return Body()


def _token_issued(event: Event, target: ObjectRef, asked: Body, answer: Body, row: UseRow) -> UseRow | None:
    """The issue of a token by TokenRequest; nothing before 1.30, when its id was not logged."""
    token = event.annotations.issued_credential if event.annotations else ""
    if not (token and target.namespace and target.name):
        return None
    bound = (answer.spec or Spec()).bound_object_ref or (asked.spec or Spec()).bound_object_ref or BoundObject()
    name, uid = clean(bound.name or ""), clean(bound.uid or "")
    return row._replace(
        use_index=1,
        activity=Activity.ISSUE,
        principal=clean(account_name(target.namespace, target.name)),
        session=uid if bound.kind == "Pod" else "",
        credential=clean_credential(token),
        parent=row.credential,
        peer_group=clean(peer_group(row.realm, BOUND_TOKEN, target.namespace)),
        issuer="",
        instance=clean(f"{target.namespace}/{name}") if bound.kind == "Pod" and name else "",
        node=name if bound.kind == "Node" else "",
        channel="",
        kind=BOUND_TOKEN,
        actor_class=ActorClass.WORKLOAD,
        issued_at=row.time,
        expires_at=optional_time((answer.status or Status()).expiration_timestamp),
    )


def _pod_ended(event: Event, target: ObjectRef, asked: Body, answer: Body, row: UseRow) -> UseRow | None:
    """The end of a pod: a removal without a grace period. A graceful one only begins it; the kubelet's ends it.

    Its uid is the session. A name may be taken again at once (`db-0` of a StatefulSet), so where no uid is logged the
    end speaks for the pods that had the name before it, and for none that comes later.
    """
    if not (target.namespace and target.name and _is_final(event, asked, row.principal)):
        return None
    spec = answer.spec or Spec()
    uids = (target.uid, *((part or Metadata()).uid for part in (asked.preconditions, answer.metadata, answer.details)))
    account = spec.service_account_name
    return _ended(row)._replace(
        principal=clean(account_name(target.namespace, account)) if account else "",
        session=clean(next((uid for uid in uids if uid), "")),
        instance=clean(f"{target.namespace}/{target.name}"),
        node=row.node if is_kubelet(row.principal) else clean(spec.node_name or ""),
    )


def _is_final(event: Event, asked: Body, principal: str) -> bool:
    if asked.grace_period_seconds is not None:
        return asked.grace_period_seconds == 0
    if _AT_ONCE.search(event.request_uri or ""):
        return True
    return is_kubelet(principal) or principal == _COLLECTOR  # at level Metadata the options are not logged


def _node_ended(_event: Event, target: ObjectRef, _asked: Body, _answer: Body, row: UseRow) -> UseRow | None:
    return _ended(row)._replace(node=clean(target.name)) if target.name else None


def _ended(row: UseRow) -> UseRow:
    """The end of something of the realm, so far of nothing."""
    return row._replace(
        use_index=1,
        activity=Activity.END,
        principal="",
        session="",
        credential="",
        peer_group="",
        issuer="",
        instance="",
        node="",
        channel="",
        kind=0,
        actor_class=ActorClass.UNKNOWN,
    )


EFFECTS: Final[dict[tuple[str, str, str], Effect]] = {
    ("create", "serviceaccounts", "token"): _token_issued,
    ("delete", "pods", ""): _pod_ended,
    ("delete", "nodes", ""): _node_ended,
}
