from __future__ import annotations

from detector.domain import KIND_CODE, Activity
from detector.simulate.populations.google import Google
from tests.simulate.use_tenants import SECOND, lived, told_as_held

KINDS = ("gcp.sa-key", "gcp.access-token", "gcp.federated")


def test_keys_and_tokens_are_told_as_they_are_held() -> None:
    told_as_held(lived(Google()), *KINDS)


def test_a_key_stays_and_a_token_lives_an_hour() -> None:
    rows = [row for row in told_as_held(lived(Google()), *KINDS) if row.activity == Activity.USE]
    keys = [row for row in rows if row.kind == KIND_CODE["gcp.sa-key"]]
    tokens = [row for row in rows if row.kind != KIND_CODE["gcp.sa-key"]]
    assert {row.expires_at for row in keys} == {0}
    assert {row.expires_at - row.issued_at for row in tokens} == {3_600 * SECOND}
    principals = {row.principal for row in keys}
    assert len({row.credential for row in keys}) <= 1.5 * len(principals)


def test_a_workload_that_federates_is_named_by_its_issuer_and_subject() -> None:
    federated = [row for row in told_as_held(lived(Google()), *KINDS) if row.kind == KIND_CODE["gcp.federated"]]
    assert federated
    assert all(row.issuer and "/subject/" in row.principal for row in federated)
