"""The documented use format: every field, its defaults, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from detector.domain import KIND_CODE, Activity, ActorClass, Flag, Outcome
from detector.sources import use
from detector.sources.use import Use

T0 = 1_792_929_600_000_000  # 2026-10-25T12:00:00Z


def raw(**fields: Any) -> bytes:
    return json.dumps({"time": "2026-10-25T12:00:00Z", "credential": "key-1", **fields}).encode()


SAMPLES: list[tuple[str, bytes, list[dict[str, object]]]] = [
    (
        "every field",
        raw(
            native_id="n-1",
            realm="acme",
            account="acme-prod",
            principal="spiffe://acme.example/ns/shop/sa/cart",
            session="pod-7",
            kind="spiffe.jwt-svid",
            parent="key-0",
            issuer="https://issuer.example",
            issued_at=1_792_926_000,
            expires_at=1_792_933_200_000,
            address="192.0.2.7",
            client="cart/2.1",
            instance="",
            node="node-3",
            channel="vpce:x",
            region="r1",
            delivery="file",
            action="orders:read",
            resource="orders",
            outcome="denied",
            error="E1",
            activity="renew",
            actor_class="workload",
            on_behalf=True,
            unheard_of={"a": 1},
        ),
        [
            {
                "native_id": "n-1",
                "source": "use",
                "time": T0,
                "realm": "acme",
                "account": "acme-prod",
                "principal": "spiffe://acme.example/ns/shop/sa/cart",
                "session": "pod-7",
                "credential": "key-1",
                "kind": KIND_CODE["spiffe.jwt-svid"],
                "parent": "key-0",
                "peer_group": "acme|spiffe.jwt-svid|/ns/shop/sa/",
                "issuer": "https://issuer.example",
                "issued_at": T0 - 3_600_000_000,
                "expires_at": T0 + 3_600_000_000,
                "address": "192.0.2.7",
                "client": "cart/2.1",
                "node": "node-3",
                "channel": "vpce:x",
                "region": "r1",
                "delivery": "file",
                "action": "orders:read",
                "resource": "orders",
                "outcome": Outcome.DENIED,
                "error": "E1",
                "activity": Activity.RENEW,
                "actor_class": ActorClass.WORKLOAD,
                "flags": Flag.ON_BEHALF,
            }
        ],
    ),
    (
        "the least there can be",
        raw(),
        [{"realm": "home", "account": "home", "principal": "", "kind": 0, "outcome": 0, "activity": Activity.USE}],
    ),
    ("milliseconds", raw(time=1_792_929_600_250), [{"time": T0 + 250_000}]),
    ("seconds with a fraction", raw(time=1_792_929_600.5), [{"time": T0 + 500_000}]),
]


@dataclass(frozen=True)
class Bad:
    fields: dict[str, Any]
    reason: str


@pytest.mark.parametrize(
    "bad",
    [
        Bad({"time": None}, "missing_field"),
        Bad({"credential": None}, "missing_field"),
        Bad({"time": 10**17}, "absurd_time"),
        Bad({"time": 1e300}, "absurd_time"),
        Bad({"time": -1}, "absurd_time"),
        Bad({"time": "soon"}, "bad_time"),
        Bad({"activity": "tick"}, "bad_field"),
        Bad({"kind": "aws.acces-key"}, "bad_field"),
        Bad({"outcome": "maybe"}, "bad_field"),
        Bad({"expires_at": "never"}, "bad_time"),
    ],
)
def test_a_record_that_misses_or_misnames_something_is_refused_with_the_reason(bad: Bad) -> None:
    reading = Use().read([raw(**bad.fields)], "home")
    assert [rejected.reason for rejected in reading.rejected] == [bad.reason]


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "hvs.CAESIJ0123456789abcdefgh",
        "xoxb-123456789012-abcdefghijkl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ],
)
def test_a_credential_that_is_itself_a_secret_becomes_its_hash(secret: str) -> None:
    row = Use().read([raw(credential=secret, parent=secret)], "home").rows[0]
    assert row.credential.startswith("sha256:")
    assert len(row.credential) == len("sha256:") + 32
    assert row.parent == row.credential
    assert Use().read([raw(credential=secret[:-1] + "x")], "home").rows[0].credential != row.credential


def test_public_identifiers_stay_in_clear() -> None:
    for public in ("AKIAEXAMPLE000000001", "a" * 39 + "1", "0f" * 20, "b6e5c0de-1111-4222-8333-444455556666"):
        assert Use().read([raw(credential=public)], "home").rows[0].credential == public


def test_the_documentation_lists_every_field_that_is_read() -> None:
    listed = use.__doc__ or ""
    for field in use._Use.__struct_fields__:
        assert f"`{field}`" in listed, field
