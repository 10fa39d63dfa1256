from __future__ import annotations

from itertools import pairwise

from detector.domain import KIND_CODE, Activity
from detector.simulate.populations.vault import Vault
from tests.simulate.use_tenants import SECOND, lived, told_as_held


def test_tokens_and_secret_ids_are_told_as_they_are_held() -> None:
    told_as_held(lived(Vault()), "vault.token", "vault.approle")


def test_a_lease_is_renewed_before_it_ends_and_its_token_is_not_used_after_its_workload() -> None:
    fleet = lived(Vault())
    rows = told_as_held(fleet, "vault.token", "vault.approle")
    renewals: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        if row.activity == Activity.RENEW:
            renewals.setdefault(row.credential, []).append((row.time, row.expires_at))
    assert sum(len(found) > 2 for found in renewals.values()) > 5
    for found in renewals.values():
        assert all(later < expires for (_, expires), (later, _) in pairwise(found))
    gone = {held.credential: held.workload_end for held in fleet.holdings if held.workload_end}
    assert all(
        row.time < gone[row.credential] * SECOND
        for row in rows
        if row.credential in gone and row.activity == Activity.USE
    )


def test_a_secret_id_only_logs_in_and_each_login_gives_a_token() -> None:
    rows = told_as_held(lived(Vault()), "vault.token", "vault.approle")
    logins = [row for row in rows if row.kind == KIND_CODE["vault.approle"] and row.activity == Activity.EXCHANGE]
    issued = [row for row in rows if row.activity == Activity.ISSUE and row.parent]
    assert len(logins) > 20
    assert {row.action.partition(":")[0] for row in logins} <= {"auth", "sys"}
    assert {(row.time, row.parent) for row in issued} <= {(row.time, row.credential) for row in logins}
    assert all(row.expires_at > row.time for row in issued)
