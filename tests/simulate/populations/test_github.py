from __future__ import annotations

from collections import Counter

from detector.domain import KIND_CODE, Activity
from detector.simulate.populations.github import Github
from tests.simulate.use_tenants import lived, told_as_held

KINDS = ("github.oidc", "github.app", "github.pat", "github.deploy-key")


def test_tokens_and_keys_are_told_as_they_are_held() -> None:
    told_as_held(lived(Github()), *KINDS)


def test_a_jobs_token_is_exchanged_once_and_its_runner_is_where_nobody_was() -> None:
    fleet = lived(Github(), hosted_ci=1.0)
    rows = [row for row in told_as_held(fleet, *KINDS) if row.kind == KIND_CODE["github.oidc"]]
    assert len(rows) > 200
    assert {row.activity for row in rows} == {Activity.EXCHANGE}
    assert max(Counter(row.credential for row in rows).values()) == 1
    runs: dict[str, set[str]] = {}
    for row in rows:
        runs.setdefault(row.session, set()).add(row.address)
    assert all(len(addresses) == 1 for addresses in runs.values())
    assert len(set().union(*runs.values())) > 0.9 * len(runs)
    assert sum(count > 1 for count in Counter(row.session for row in rows).values()) > 5


def test_an_installation_fetches_an_hours_token_when_there_is_work() -> None:
    rows = [row for row in told_as_held(lived(Github()), *KINDS) if row.kind == KIND_CODE["github.app"]]
    uses = Counter(row.credential for row in rows)
    assert len(uses) > 50
    assert max(uses.values()) > 1
    assert {row.expires_at - row.issued_at for row in rows} == {3_600_000_000}
