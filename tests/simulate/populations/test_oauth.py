from __future__ import annotations

from detector.domain import KIND_CODE, Activity
from detector.simulate.populations.oauth import Oauth
from tests.simulate.use_tenants import SECOND, lived, told_as_held

KINDS = ("oauth.client", "oauth.refresh-token", "mtls.cert", "okta.api-token")


def test_credentials_are_told_as_they_are_held() -> None:
    told_as_held(lived(Oauth(), principals=2400), *KINDS)


def test_a_grant_is_refreshed_before_it_is_used_and_lives_on_by_that() -> None:
    rows = told_as_held(lived(Oauth(), principals=2400), *KINDS)
    fresh: dict[str, int] = {}
    used = 0
    for row in (row for row in rows if row.kind == KIND_CODE["oauth.refresh-token"]):
        if row.activity == Activity.RENEW:
            fresh[row.credential] = row.time
            assert row.expires_at - row.time >= 14 * 86_400 * SECOND
        else:
            used += 1
            assert row.time - fresh[row.credential] <= 3_601 * SECOND
    assert used > 50
