"""Accepted after its end, and ends that only look passed."""

from __future__ import annotations

from tests.detections.scenario import (
    HOUR,
    MINUTE,
    SECOND,
    THEFT,
    Activity,
    Outcome,
    Scenario,
    Use,
    alerts,
    use,
)

DETECTION = "replay.after_revocation"
FLAG_REACTIVATED = 4


def revoke(at: int, **columns: object) -> Use:
    return use(at, activity=Activity.REVOKE, action="iam:DeleteAccessKey", **columns)


def used_after_revocation() -> list[Use]:
    return [revoke(THEFT), *(use(THEFT + turn * HOUR) for turn in range(1, 5))]


def used_after_expiry() -> list[Use]:
    child = {"credential": "ASIACHILD", "parent": "AKIAEXAMPLE0000000"}
    issue = use(THEFT, activity=Activity.ISSUE, issued_at=THEFT, expires_at=THEFT + HOUR, **child)
    return [issue, use(THEFT + 30 * MINUTE, **child), use(THEFT + 5 * HOUR, **child)]


def sessions_minted_by_a_key_deleted_days_ago() -> list[Use]:
    """A thief keeps sessions alive after the key was found: the parent is dead for two days, the place is new."""
    child = {"credential": "ASIACHILD", "parent": "AKIAEXAMPLE0000000"}
    return [
        use(THEFT, activity=Activity.ISSUE, issued_at=THEFT, expires_at=THEFT + 80 * HOUR, **child),
        revoke(THEFT + HOUR),
        *(use(THEFT + turn * 6 * HOUR, **child, address="203.0.113.1") for turn in range(1, 12)),
    ]


def refused_retries() -> list[Use]:
    return [revoke(THEFT), *(use(THEFT + turn * HOUR, outcome=Outcome.DENIED) for turn in range(1, 30))]


def log_delay() -> list[Use]:
    return [revoke(THEFT), *(use(THEFT + turn * 20 * SECOND) for turn in range(1, 6))]


def switched_on_again() -> list[Use]:
    on = use(THEFT + MINUTE, activity=Activity.DECLARE, flags=FLAG_REACTIVATED, action="iam:UpdateAccessKey")
    return [revoke(THEFT), on, *(use(THEFT + turn * HOUR) for turn in range(1, 5))]


def rotation() -> list[Use]:
    child = {"credential": "ASIACHILD", "parent": "AKIAEXAMPLE0000000"}
    return [
        use(THEFT, activity=Activity.ISSUE, issued_at=THEFT, expires_at=THEFT + 12 * HOUR, **child),
        revoke(THEFT + HOUR),
        *(use(THEFT + turn * HOUR, **child) for turn in range(2, 12)),
    ]


SCENARIOS = (
    Scenario("used hours after it was revoked", DETECTION, fires=True, uses=used_after_revocation),
    Scenario("used hours after it expired", DETECTION, fires=True, uses=used_after_expiry),
    Scenario("refused retries of a forgotten job", DETECTION, fires=False, uses=refused_retries),
    Scenario("log delay around the revocation", DETECTION, fires=False, uses=log_delay),
    Scenario("key switched off and on again", DETECTION, fires=False, uses=switched_on_again),
    Scenario("session that outlives a rotated key for its normal life", DETECTION, fires=False, uses=rotation),
)


def test_the_reason_says_how_long_after_its_end() -> None:
    first = alerts(used_after_revocation)[0]
    assert first.reasons[0].facet == "revocation"
    assert first.reasons[0].observed == "accepted 60 min after its end"


def test_a_dead_parent_supports_and_does_not_accuse_alone() -> None:
    assert alerts(sessions_minted_by_a_key_deleted_days_ago) == ()
