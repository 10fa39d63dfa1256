from __future__ import annotations

from detector.domain import KIND_CODE
from detector.simulate.populations.entra import Entra
from tests.simulate.use_tenants import SECOND, judged, lived, told_as_held

KINDS = ("entra.client-secret", "entra.certificate", "entra.federated", "entra.managed-identity")


def test_credentials_are_told_as_they_are_held() -> None:
    told_as_held(lived(Entra()), *KINDS)


def test_a_managed_identity_belongs_to_one_resource_that_comes_and_goes() -> None:
    fleet = lived(Entra())
    managed = [held for held in fleet.holdings if held.kind == "entra.managed-identity"]
    owners: dict[str, set[str]] = {}
    for held in managed:
        owners.setdefault(held.session, set()).add(held.principal.name)
        assert held.workload == held.session
        assert held.start < held.workload_end
    assert len(owners) > 3
    assert all(len(names) == 1 for names in owners.values())


def test_a_secret_says_when_it_ends_and_is_not_used_afterwards() -> None:
    kinds = {KIND_CODE["entra.client-secret"], KIND_CODE["entra.certificate"]}
    rows = [row for row in judged(told_as_held(lived(Entra()), *KINDS)) if row.kind in kinds]
    assert rows
    assert all(row.time + 3_600 * SECOND < row.expires_at for row in rows)
