from __future__ import annotations

from detector.domain import KIND_CODE, Activity
from detector.simulate.populations.spiffe import Spiffe
from tests.simulate.use_tenants import SECOND, lived, told_as_held

KINDS = ("spiffe.x509-svid", "spiffe.jwt-svid")


def test_documents_are_told_as_they_are_held() -> None:
    told_as_held(lived(Spiffe()), *KINDS)


def test_a_certificate_is_replaced_at_half_its_life_by_the_agent_beside_its_workload() -> None:
    fleet = lived(Spiffe())
    rows = [row for row in told_as_held(fleet, *KINDS) if row.kind == KIND_CODE["spiffe.x509-svid"]]
    renewals = [row for row in rows if row.activity == Activity.RENEW]
    assert len(renewals) > 100
    assert all(row.node and row.client.startswith("spire-agent/") for row in renewals)
    until = {held.credential: held.last for held in fleet.holdings}
    for row in rows:
        if row.activity == Activity.USE:
            assert row.time < until[row.credential] * SECOND
    born = {row.credential: row for row in rows if row.activity in (Activity.ISSUE, Activity.RENEW)}
    renewed = [(row, born[row.parent]) for row in renewals if row.parent in born]
    assert len(renewed) > 0.8 * len(renewals)  # the others renew what was minted before the log begins
    for row, before in renewed:
        assert (row.session, row.principal) == (before.session, before.principal)
        assert row.time - before.time == (before.expires_at - before.issued_at) // 2


def test_a_token_for_one_audience_lives_five_minutes() -> None:
    rows = [row for row in told_as_held(lived(Spiffe()), *KINDS) if row.kind == KIND_CODE["spiffe.jwt-svid"]]
    assert {row.expires_at - row.issued_at for row in rows if row.activity == Activity.USE} == {300 * SECOND}
    assert all(row.issued_at <= row.time < row.expires_at for row in rows)


def test_nobody_works_in_a_workload_that_has_ended() -> None:
    rows = told_as_held(lived(Spiffe()), *KINDS)
    ended = {row.session: row.time for row in rows if row.activity == Activity.END}
    assert len(ended) > 20
    assert all(row.time <= ended.get(row.session, row.time) for row in rows)
